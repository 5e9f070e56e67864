//! Modules that others made: run by name or by hash, checked against known scores, and a clear word on every one that does not do
//! what its `model.toml` says.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tch::jit::CModule;
use tch::{Kind, Tensor};

use super::hostile::signal;
use super::{Running, configuration, failure, of_type, parsed, says, success, tympan, write_wav};
use crate::support::recordings::recordings;
use crate::support::skipping::skipped;

/// Samples of a window of the modules that are made here, a tenth of a second.
const WINDOW: i64 = 1_600;

const RATE: u32 = 16_000;

/// A folder with a bundle in it.
struct Bundle {
    folder: tempfile::TempDir,
}

impl Bundle {
    /// A module that computes `outputs` of `[1, samples]`, and a `model.toml` of two labels.
    fn tracing(outputs: impl Fn(&Tensor) -> Tensor) -> Self {
        let bundle = Self { folder: tempfile::tempdir().unwrap() };
        bundle.trace(outputs);
        bundle.write_manifest(&|text| text);
        bundle
    }

    /// `loud` is how loud a window is, `quiet` the rest.
    fn loudness() -> Self {
        Self::tracing(|samples| {
            let loud = (samples.abs().mean_dim(1, true, Kind::Float) * 2.0).clamp(0.0, 1.0);
            Tensor::cat(&[&loud, &(1.0 - &loud)], 1) // [1, 2]
        })
    }

    fn trace(&self, outputs: impl Fn(&Tensor) -> Tensor) {
        let example = Tensor::zeros([1, WINDOW], (Kind::Float, tch::Device::Cpu));
        let mut closure = |inputs: &[Tensor]| vec![outputs(&inputs[0])];
        CModule::create_by_tracing("module", "forward", &[example], &mut closure)
            .unwrap()
            .save(self.file("module.pt"))
            .unwrap();
    }

    fn write_manifest(&self, edit: &dyn Fn(String) -> String) {
        let text = format!(
            "format_version = 2\n\
             runtime = \"torchscript\"\n\
             name = \"loudness\"\n\
             licence = \"none\"\n\
             labels = [\"loud\", \"quiet\"]\n\
             [module]\n\
             file = \"module.pt\"\n\
             sha256 = \"{}\"\n\
             [input]\n\
             kind = \"waveform\"\n\
             sample_rate_hz = {RATE}\n\
             samples = {WINDOW}\n\
             hop_samples = {}\n\
             layout = \"NT\"\n\
             [output]\n\
             activation = \"none\"\n\
             [thresholds]\n\
             default = {{ on = 0.6, off = 0.5 }}\n",
            self.sha256(),
            WINDOW / 2
        );
        std::fs::write(self.file("model.toml"), edit(text)).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sha256(&self) -> String {
        let bytes = std::fs::read(self.file("module.pt")).unwrap();
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    /// The window records of recordings, with the module's own scores.
    fn unsmoothed_windows(&self, files: &[&str]) -> Vec<Value> {
        let config = configuration(self.folder.path(), "[detector]\nsmoothing_ms = 0\n");
        let arguments = ["classify", "--format", "jsonl", "--model", self.path(), "--config"];
        let arguments = [&arguments, [config.as_str()].as_slice(), files].concat();
        of_type(&parsed(&success(&arguments)), "window")
    }

    /// Two quiet seconds and two loud ones.
    fn recording(&self, name: &str) -> String {
        let sample = |index: u32| {
            let amplitude = if index < 2 * RATE { 300.0 } else { 24_000.0 };
            let phase = f64::from(index) * 440.0 / f64::from(RATE) * std::f64::consts::TAU;
            (amplitude * phase.sin()) as i16
        };
        let samples: Vec<i16> = (0..4 * RATE).map(sample).collect();
        let path = self.file(name);
        write_wav(&path, RATE, 1, &samples);
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn a_module_labels_recordings_and_streams_alike() {
    let bundle = Bundle::loudness();
    let wav = bundle.recording("tone.wav");
    let lines = success(&["classify", "--model", bundle.path(), "--format", "jsonl", &wav]);
    let records = parsed(&lines);
    let events = of_type(&records, "event");
    let loud: Vec<_> = events.iter().filter(|event| event["label"] == "loud").collect();
    assert_eq!(loud.len(), 2, "an onset and an offset: {events:?}");
    let start = loud[0]["start_sample"].as_u64().unwrap();
    assert!(start.abs_diff(u64::from(2 * RATE)) <= 2 * WINDOW.unsigned_abs(), "{start}");
    let windows = of_type(&records, "window");
    assert_eq!(windows.len() as i64, (4 * i64::from(RATE) - WINDOW) / (WINDOW / 2) + 1);
    // the daemon's path gives the same windows
    let source = format!("file:{wav}");
    let run = ["run", "--model", bundle.path(), "--source", &source, "--fast", "--format", "jsonl"];
    let live = of_type(&parsed(&success(&run)), "window");
    assert_eq!(live.len(), windows.len());
    assert!(live.iter().zip(&windows).all(|(a, b)| a["scores"] == b["scores"]));
    let bench = success(&["bench", "--model", bundle.path(), "--seconds", "3"]);
    says(&bench, &["loudness, torchscript", "torchscript: module.pt, 1600 samples"]);
}

#[test]
fn a_module_is_measured_as_any_model_is() {
    let bundle = Bundle::loudness();
    for (label, amplitude) in [("loud", 24_000), ("quiet", 300)] {
        let folder = bundle.file("data").join(label);
        std::fs::create_dir_all(&folder).unwrap();
        let samples: Vec<i16> =
            (0..RATE).map(|index| if index % 40 < 20 { amplitude } else { -amplitude }).collect();
        write_wav(&folder.join("tone.wav"), RATE, 1, &samples);
    }
    let data = bundle.file("data");
    let printed = success(&["eval", "--model", bundle.path(), "--data", data.to_str().unwrap()]);
    says(&printed, &["clip accuracy 100.0 %"]);
}

#[test]
fn a_module_runs_by_name_or_by_its_hash_and_not_otherwise() {
    let bundle = Bundle::loudness();
    let folder = tempfile::tempdir().unwrap();
    let model = format!("model = {:?}\n", bundle.path());
    let check = |runtime: &str| {
        let config = configuration(folder.path(), &format!("{model}{runtime}"));
        let output = tympan().args(["check", "--config", &config]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, printed) = check("");
    assert_eq!(code, Some(3), "{printed}");
    let line = format!("write `torchscript = \"{}\"` below [runtime]", bundle.sha256());
    says(&printed, &["which is code", "name its bundle with --model", &line]);
    let trusting = |hash: &str| format!("[runtime]\ntorchscript = {hash:?}\n");
    assert_eq!(check(&trusting(&bundle.sha256())).0, Some(0));
    let (code, printed) = check(&trusting(&"0".repeat(64)));
    assert_eq!(code, Some(3), "{printed}");
    says(&printed, &["the one that may run has 0000"]);
    let (code, printed) = check(&trusting("12ab"));
    assert_eq!(code, Some(2), "{printed}");
    says(&printed, &["64 hexadecimal digits"]);
    let printed = success(&["check", "--model", bundle.path()]);
    says(&printed, &["loudness, 2 labels", "without a recording of known scores"]);
}

#[test]
fn a_reload_runs_no_module_but_the_one_that_was_named() {
    let bundle = Bundle::loudness();
    let mut command = tympan();
    command.args(["run", "--source", "demo", "--format", "jsonl", "--model", bundle.path()]);
    let mut daemon = Running::start(command);
    daemon.until(|record| record["type"] == "window");
    signal(&daemon.child, "HUP");
    daemon.until(|record| record["detail"] == "reloaded, model loudness");
    let before = bundle.sha256();
    bundle.trace(|samples| samples.abs().slice(1, 0, 2, 1));
    bundle.write_manifest(&|text| text);
    assert_ne!(bundle.sha256(), before);
    signal(&daemon.child, "HUP");
    let refused = |record: &Value| {
        record["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains(&format!("the one that may run has {before}")))
    };
    daemon.until(refused);
    daemon.until(|record| record["type"] == "window");
    assert_eq!(daemon.end_by("TERM").1, Some(0));
}

#[test]
fn known_scores_are_found_again_or_the_bundle_is_refused() {
    let bundle = Bundle::loudness();
    bundle.recording("golden.wav");
    let golden = "[golden]\nclip = \"golden.wav\"\nscores = \"golden.csv\"\n";
    let wav = bundle.file("golden.wav");
    let windows = bundle.unsmoothed_windows(&[wav.to_str().unwrap()]);
    let score = |window: &Value, label: &str| {
        let scores = window["scores"].as_array().unwrap();
        scores.iter().find(|it| it["label"] == label).unwrap()["score"].as_f64().unwrap()
    };
    let row = |window| format!("{:.5},{:.5}\n", score(window, "loud"), score(window, "quiet"));
    let rows: String = windows.iter().map(row).collect();
    let write = |text: &str| std::fs::write(bundle.file("golden.csv"), text).unwrap();
    write(&format!("loud,quiet\n{rows}"));
    bundle.write_manifest(&|text| text + golden);
    let printed = success(&["check", "--model", bundle.path()]);
    says(&printed, &["gives 79 windows their known scores"]);
    let first = rows.lines().next().unwrap();
    write(&format!("loud,quiet\n{}", rows.replacen(first, "0.5,0.5", 1)));
    let printed = failure(&["check", "--model", bundle.path()], 3);
    says(&printed, &["in window 0,", "0.5 in the bundle, more than 0.001 apart"]);
    write(&format!("loud,quiet\n{first}\n"));
    let printed = failure(&["check", "--model", bundle.path()], 3);
    says(&printed, &["has 79 windows, and the bundle knows the scores of 1"]);
    write(&format!("quiet,loud\n{rows}"));
    let printed = failure(&["check", "--model", bundle.path()], 3);
    says(&printed, &["golden.csv", "not the labels in the order of the outputs"]);
}

#[test]
fn a_module_that_does_not_fit_its_manifest_is_refused_with_a_reason() {
    let refused = |bundle: &Bundle, parts: &[&str]| {
        says(&failure(&["check", "--model", bundle.path()], 3), parts);
    };
    let three = Bundle::tracing(|samples| samples.slice(1, 0, 3, 1));
    refused(&three, &["module.pt", "a tensor [1, 3]", "not the 2 labels"]);
    let rows = Bundle::tracing(|samples| samples.reshape([1, -1, 2]));
    refused(&rows, &["800 outputs a label", "reduce = \"mean\""]);
    for reduction in ["mean", "max", "last"] {
        let reduce = format!("activation = \"sigmoid\"\nreduce = {reduction:?}");
        rows.write_manifest(&|text| text.replace("activation = \"none\"", &reduce));
        success(&["check", "--model", rows.path()]);
    }
    rows.write_manifest(&|text| text.replace("[output]", "[output]\nindex = 1"));
    refused(&rows, &["gives a tensor", "asks for a tuple or list with a part 1"]);
    let no_number = Bundle::tracing(|samples| samples.slice(1, 0, 2, 1).log() * 0.0);
    refused(&no_number, &["scores \"loud\" as NaN", "a score lies between 0 and 1"]);
    let logits = Bundle::tracing(|samples| samples.slice(1, 0, 2, 1) + 3.0);
    refused(&logits, &["scores \"loud\" as 3", "output.activation"]);
    let other = Bundle::loudness();
    other.write_manifest(&|text| text.replace("sha256 = \"", "sha256 = \"00"));
    refused(&other, &["sha256 is", "damaged or from another bundle"]);
    std::fs::write(other.file("module.pt"), "no module").unwrap();
    other.write_manifest(&|text| text);
    refused(&other, &["libtorch cannot load the module", "torch.jit.save"]);
    other.write_manifest(&|text| text.replace("on = 0.6", "on = 0.4"));
    refused(&other, &["thresholds.default has on = 0.4 and off = 0.5"]);
    other.write_manifest(&|text| text.replace("layout", "lay_out"));
    refused(&other, &["model.toml", "lay_out"]);
}

/// Has a program start where no memory can be both written and executed, as under systemd's `MemoryDenyWriteExecute`.
const DENY_WRITE_EXECUTE: &str = "import ctypes, os, sys\n\
    PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1\n\
    if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0): sys.exit(77)\n\
    os.execv(sys.argv[1], sys.argv[1:])\n";

/// What `tympan check` says there; none, with a word, where the kernel does not know the rule.
fn check_without_machine_code(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("python3");
    command.args(["-c", DENY_WRITE_EXECUTE, env!("CARGO_BIN_EXE_tympan"), "check"]);
    let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    if output.status.code() == Some(77) {
        skipped("this kernel does not know PR_SET_MDWE (Linux 6.3 does)");
        return None;
    }
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    Some(printed)
}

/// A bundle of `tests/golden/counting_module.pt`, made by `scripts/golden_module.py`.
fn counting() -> Bundle {
    let bundle = Bundle { folder: tempfile::tempdir().unwrap() };
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/counting_module.pt");
    std::fs::copy(module, bundle.file("module.pt")).unwrap();
    bundle.write_manifest(&|text| {
        text.replace("quiet", "calls")
            .replace("[input]", "stateful = true\nextra = [16000]\n[input]")
            .replace("[output]", "[output]\nkey = \"scores\"")
    });
    bundle
}

#[test]
fn a_module_with_state_counts_the_windows_of_one_recording_alone() {
    let bundle = counting();
    let wav = bundle.recording("tone.wav");
    let windows = bundle.unsmoothed_windows(&[&wav, &wav]);
    let count = |window: &Value| {
        let scores = window["scores"].as_array().unwrap();
        let calls = scores.iter().find(|it| it["label"] == "calls").unwrap();
        (calls["score"].as_f64().unwrap() * 100.0).round() as u32
    };
    let counts: Vec<u32> = windows.iter().map(count).collect();
    let of_one: Vec<u32> = (1..=79).collect();
    assert_eq!(counts, [of_one.clone(), of_one].concat());
}

#[test]
fn what_a_module_raises_is_in_the_error() {
    let bundle = counting();
    let path = bundle.file("model.toml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let with = |from: &str, to: &str| {
        assert!(manifest.contains(from), "{manifest}");
        std::fs::write(&path, manifest.replace(from, to)).unwrap();
        failure(&["check", "--model", bundle.path()], 3)
    };
    says(&with("[16000]", "[8000]"), &["the module fails:", "the rate is 8000, not 16000"]);
    let printed = with("key = \"scores\"", "key = \"logits\"");
    says(&printed, &["a dictionary with an entry \"logits\""]);
    let printed = with("key = \"scores\"", "key = \"embedding\"");
    says(&printed, &["a tensor [1, 2, 40, 40]", "not the 2 labels"]);
}

#[test]
fn networks_and_modules_run_where_no_machine_code_can_be_made() {
    check_without_machine_code(&[]);
    if let Some(printed) = check_without_machine_code(&["--model", counting().path()]) {
        says(&printed, &["may not make machine code", "computes with 64 bits"]);
    }
}

/// A bundle of a voice detector that keeps state: 512 samples and their rate, one score.
fn voice_detector(recordings: &Path) -> Bundle {
    let bundle = Bundle { folder: tempfile::tempdir().unwrap() };
    std::fs::copy(recordings.join("torchscript/silero_vad.jit"), bundle.file("module.pt")).unwrap();
    bundle.write_manifest(&|text| {
        text.replace("[\"loud\", \"quiet\"]", "[\"speech\"]")
            .replace("samples = 1600", "samples = 512")
            .replace("hop_samples = 800", "hop_samples = 512")
            .replace("[input]", "stateful = true\nextra = [16000]\n[input]")
    });
    bundle
}

#[test]
fn a_voice_detector_that_keeps_state_separates_speech_from_a_dog() {
    let Some(recordings) = recordings("a_voice_detector_that_keeps_state") else { return };
    let bundle = voice_detector(&recordings);
    let spoken = recordings.join("spoken_digits");
    let spoken = tympan::sources::find_recordings(&[spoken]).unwrap();
    let dog = recordings.join("esc50/audio/1-100032-A-0.ogg");
    let mut files: Vec<&str> = spoken.iter().take(3).map(|path| path.to_str().unwrap()).collect();
    files.push(dog.to_str().unwrap());
    let classify = |files: &[&str]| {
        let arguments = ["classify", "--model", bundle.path(), "--format", "jsonl"];
        success(&[&arguments, files].concat())
    };
    let best = |lines: &str| {
        let windows = of_type(&parsed(lines), "window");
        let scores = windows.iter().map(|window| window["scores"][0]["score"].as_f64().unwrap());
        scores.fold(0.0, f64::max)
    };
    for file in &files[..3] {
        assert!(best(&classify(&[file])) > 0.8, "{file}");
    }
    assert!(best(&classify(&files[3..])) < 0.5);
    // what it remembers of one recording does not reach the next
    let scores = |lines: &str| -> Vec<Value> {
        of_type(&parsed(lines), "window").iter().map(|window| window["scores"].clone()).collect()
    };
    let together = scores(&classify(&[files[0], files[3], files[0], files[0]]));
    let alone = scores(&classify(&files[..1]));
    assert_eq!(together[..alone.len()], alone);
    assert_eq!(together[together.len() - alone.len()..], alone);
}

#[test]
#[ignore = "takes a while: make test-all"]
fn the_bundle_of_527_sounds_is_made_by_its_script_and_labels_recordings() {
    let Some(recordings) = recordings("the_bundle_of_527_sounds") else { return };
    let [checkpoint, labels] = ["mn04_as_mAP_432.pt", "class_labels_indices.csv"]
        .map(|name| recordings.join("teacher").join(name));
    if !checkpoint.is_file() {
        return skipped("no checkpoint of the network of 527 sounds among the recordings");
    }
    let clip = |name: &str| recordings.join("esc50/audio").join(name);
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("audioset");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/audioset_bundle.py");
    let mut command = Command::new("python3");
    command.arg(script).args([&checkpoint, &labels, &clip("1-100032-A-0.ogg"), &bundle]);
    assert!(command.status().unwrap().success());
    let bundle = bundle.to_str().unwrap();
    let printed = success(&["check", "--model", bundle]);
    says(
        &printed,
        &["527 labels", "windows of 1.94 s every 320 ms", "10 windows their known scores"],
    );
    let recordings = [
        ("1-100032-A-0.ogg", "Bark"),
        ("1-103995-A-30.ogg", "Knock"),
        ("4-119647-A-48.ogg", "Fireworks"),
    ];
    for (name, expected) in recordings {
        let path = clip(name);
        let csv = ["classify", "--model", bundle, "--format", "csv", path.to_str().unwrap()];
        says(&success(&csv), &[&format!(",{expected},")]);
    }
    if let Some(printed) = check_without_machine_code(&["--model", bundle]) {
        says(&printed, &["computes with 64 bits"]);
    }
}
