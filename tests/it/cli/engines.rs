//! Both engines as users choose them, and what a build without libtorch says instead.

#[cfg(feature = "torch")]
use serde_json::Value;

#[cfg(not(feature = "torch"))]
use super::failure;
#[cfg(feature = "torch")]
use super::success;

/// A configuration that asks for libtorch, in a file.
fn wants_libtorch(folder: &std::path::Path) -> String {
    let path = folder.join("config.toml");
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
    let text = format!("model = {model:?}\n[runtime]\nengine = \"libtorch\"\ntorch_threads = 2\n");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[cfg(feature = "torch")]
#[test]
fn both_engines_run_the_daemon_and_detect_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("tones.wav");
    let samples: Vec<i16> = (0..16_000 * 8)
        .map(|at: i32| {
            let wave = (f64::from(at) * 0.2).sin()
                + (f64::from(at % 7_919 * (at % 7_919) % 1_009) * 0.001).sin();
            (wave * 8_000.0) as i16
        })
        .collect();
    super::write_wav(&recording, 16_000, 1, &samples);
    let source = format!("file:{}", recording.display());
    let libtorch = wants_libtorch(folder.path());
    let run = |more: &[&str]| -> Vec<Value> {
        let basic = ["run", "--source", &source, "--fast", "--format", "jsonl"];
        let text = success(&[&basic, more].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (reference, incremental) = (run(&["--config", &libtorch]), run(&[]));
    let windows = |records: &[Value]| -> Vec<Value> {
        records.iter().filter(|record| record["type"] == "window").cloned().collect()
    };
    let (reference, incremental) = (windows(&reference), windows(&incremental));
    assert!(incremental.len() > 50 && incremental.len() == reference.len());
    for (reference, incremental) in reference.iter().zip(&incremental) {
        assert_eq!(reference["end_sample"], incremental["end_sample"]);
        let best = |record: &Value| record["scores"][0]["score"].as_f64().unwrap();
        let apart = (best(reference) - best(incremental)).abs();
        assert!(apart < 2e-4, "{reference} {incremental}");
    }
}

#[cfg(not(feature = "torch"))]
#[test]
fn without_libtorch_its_engine_is_refused_at_its_line_and_training_says_what_to_build() {
    let folder = tempfile::tempdir().unwrap();
    let config = wants_libtorch(folder.path());
    for command in [&["check", "--config", &config][..], &["run", "--config", &config]] {
        let printed = failure(command, 2);
        super::says(&printed, &["config.toml:3: runtime.engine", "built without libtorch"]);
        super::says(&printed, &["3 | engine = \"libtorch\"", "^"]);
    }
    let printed = failure(&["train", "--data", "sounds", "--out", "mine"], 2);
    super::says(&printed, &["built without libtorch", "make build"]);
}

#[cfg(not(feature = "torch"))]
#[test]
fn without_libtorch_a_module_of_others_is_refused_with_a_word_on_the_full_build() {
    use sha2::{Digest, Sha256};

    let folder = tempfile::tempdir().unwrap();
    let module = std::fs::read("tests/golden/counting_module.pt").unwrap();
    std::fs::write(folder.path().join("module.pt"), &module).unwrap();
    let hash: String = Sha256::digest(&module).iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = format!(
        "format_version = 2\nruntime = \"torchscript\"\nname = \"counting\"\nlicence = \"none\"\n\
         labels = [\"loud\", \"calls\"]\n[module]\nfile = \"module.pt\"\nsha256 = \"{hash}\"\n\
         [input]\nkind = \"waveform\"\nsample_rate_hz = 16000\nsamples = 1600\nhop_samples = 800\n\
         layout = \"NT\"\n[output]\nkey = \"scores\"\nactivation = \"none\"\n\
         [thresholds]\ndefault = {{ on = 0.6, off = 0.5 }}\n"
    );
    std::fs::write(folder.path().join("model.toml"), manifest).unwrap();
    let printed = failure(&["check", "--model", folder.path().to_str().unwrap()], 3);
    super::says(&printed, &["module.pt is a TorchScript module", "install the full build"]);
}
