//! `tympan doctor` on recordings that a bad microphone would make, with configurations and bundles that cannot be used, and on
//! a machine without sound: what it finds, what it advises, its JSON and its exit codes.

use std::f32::consts::TAU;
use std::path::Path;

use serde_json::Value;

use super::{configuration, output_of, says, tympan, write_wav};

/// Three seconds at 16 kHz of noise with this peak, through `more`, as a source for `--source`.
fn recording(folder: &Path, noise: f32, more: impl Fn(f32, f32) -> f32) -> String {
    let mut state = 1u32;
    let mut samples = Vec::new();
    for index in 0..48_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let random = (state >> 8) as f32 / 8_388_608.0 - 1.0;
        let sample = more(index as f32 / 16_000.0, noise * random);
        samples.push((sample.clamp(-1.0, 1.0) * 32_767.0) as i16);
    }
    let path = folder.join("microphone.wav");
    write_wav(&path, 16_000, 1, &samples);
    format!("file:{}", path.display())
}

/// The diagnosis as JSON; its exit code is that of its verdict.
#[track_caller]
fn diagnosis(arguments: &[&str]) -> Value {
    let output = output_of(&[&["doctor", "--json"], arguments].concat());
    let diagnosis: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let code = match diagnosis["verdict"].as_str().unwrap() {
        "ok" => 0,
        "warning" => 1,
        "failure" => 2,
        other => panic!("{other} is no verdict"),
    };
    assert_eq!(output.status.code(), Some(code), "{diagnosis}");
    diagnosis
}

/// The finding of a check.
#[track_caller]
fn of<'d>(diagnosis: &'d Value, check: &str) -> &'d Value {
    let findings = diagnosis["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("no {check} in {diagnosis}"))
}

/// That a check came to a verdict, and that it says this in what it found or advises.
#[track_caller]
fn finds(diagnosis: &Value, check: &str, verdict: &str, parts: &[&str]) {
    let finding = of(diagnosis, check);
    assert_eq!(finding["verdict"], verdict, "{finding}");
    says(&finding.to_string(), parts);
}

#[test]
fn a_good_recording_is_measured_and_every_finding_has_its_four_parts() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 0.1, |_, noise| noise);
    let diagnosis = diagnosis(&["--source", &source]);
    for check in ["configuration", "bundle", "devices", "rate", "hum", "clipping", "DC offset"] {
        assert_eq!(of(&diagnosis, check)["verdict"], "ok", "{check}");
    }
    finds(&diagnosis, "bundle", "ok", &["esc50", "50 may become events"]);
    finds(
        &diagnosis,
        "headroom",
        of(&diagnosis, "headroom")["verdict"].as_str().unwrap(),
        &["a hop of 80 ms", "smallest hop"],
    );
    finds(&diagnosis, "capture", "ok", &["3.0 s from", "microphone.wav"]);
    finds(&diagnosis, "level", "ok", &["dBFS", "LUFS"]);
    for check in ["unit", "disk", "clock"] {
        let _ = of(&diagnosis, check);
    }
    assert_eq!(diagnosis.as_object().unwrap().len(), 2);
    let verdicts = ["ok", "warning", "failure"];
    let mut worst = 0;
    for finding in diagnosis["findings"].as_array().unwrap() {
        assert_eq!(finding.as_object().unwrap().len(), 4, "{finding}");
        worst = worst.max(verdicts.iter().position(|it| finding["verdict"] == *it).unwrap());
        for part in ["check", "found", "advice"] {
            assert!(finding[part].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
        }
    }
    assert_eq!(diagnosis["verdict"], verdicts[worst]);
}

#[test]
fn the_faults_of_a_microphone_are_found_in_its_recording() {
    let folder = tempfile::tempdir().unwrap();
    let found = |noise: f32, more: &dyn Fn(f32, f32) -> f32| {
        diagnosis(&["--source", &recording(folder.path(), noise, more)])
    };
    let dead = found(0.0, &|_, _| 0.0);
    finds(&dead, "level", "failure", &["exactly zero", "unmute"]);
    assert_eq!(dead["verdict"], "failure");
    finds(&found(3e-5, &|_, noise| 0.1 + noise), "level", "failure", &["flat line"]);
    finds(&found(2e-4, &|_, noise| noise), "level", "warning", &["too low", "min_level_dbfs"]);
    let hum = found(0.01, &|t, noise| noise + 0.05 * (TAU * 60.0 * t).sin());
    finds(&hum, "hum", "warning", &["60 Hz and multiples at -29", "cable"]);
    let clipping = found(1.0, &|_, noise| 3.0 * noise);
    finds(&clipping, "clipping", "warning", &["flat tops", "gain"]);
    finds(&found(0.1, &|_, noise| noise + 0.05), "DC offset", "warning", &["+4.96 %", "high-pass"]);
}

#[test]
fn text_has_a_line_a_check_that_ends_in_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 0.0, |_, _| 0.0);
    let output = output_of(&["doctor", "--source", &source]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines() {
        assert!(line.starts_with(['✓', '!', '✗']) && line.contains(" → "), "{line}");
    }
    says(&text, &["✗ level          dead: every sample is exactly zero → unmute the input"]);
    says(&text, &["✓ configuration  the built-in one is good → nothing to do"]);
}

#[test]
fn a_wrong_configuration_stops_nothing_but_its_own_check() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 0.1, |_, noise| noise);
    let config = configuration(folder.path(), "[detector]\nthreshold = 1.4\nno_key = 1\n");
    let wrong = diagnosis(&["--config", &config, "--source", &source]);
    assert_eq!(wrong["verdict"], "failure");
    finds(&wrong, "configuration", "failure", &["2 faults", "tympan.toml:3", "tympan check"]);
    finds(&wrong, "bundle", "warning", &["not timed"]);
    finds(&wrong, "level", "ok", &[]);
    let absent = diagnosis(&["--config", "no-such.toml", "--source", &source]);
    finds(&absent, "configuration", "failure", &["no-such.toml", "--config"]);
    finds(&absent, "level", "ok", &[]);
}

#[test]
fn a_bundle_that_is_missing_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 0.1, |_, noise| noise);
    let missing = diagnosis(&["--model", "no-such-bundle", "--source", &source]);
    assert_eq!(missing["verdict"], "failure");
    finds(&missing, "bundle", "failure", &["no-such-bundle", "--model"]);
    finds(&missing, "configuration", "ok", &[]);
    finds(&missing, "level", "ok", &[]);
}

#[test]
fn the_folders_of_log_and_clips_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 0.1, |_, noise| noise);
    let at = folder.path().display();
    let text = format!(
        "[output.log_file]\nenabled = true\npath = \"{at}/log.jsonl\"\n[clips]\nenabled = true\nfolder = \
         \"{at}/clips/new\"\nlabels = [\"dog\"]\n"
    );
    let config = configuration(folder.path(), &text);
    let diagnosis = diagnosis(&["--config", &config, "--source", &source]);
    let findings = diagnosis["findings"].as_array().unwrap();
    let disk: Vec<String> = findings
        .iter()
        .filter(|finding| finding["check"] == "disk")
        .map(|finding| finding["found"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(disk.len(), 2, "{diagnosis}");
    says(&disk[0], &["log: ", "can be written", "MB free"]);
    says(&disk[1], &["clips: ", "clips/new can be written"]);
}

#[test]
fn a_source_that_cannot_be_opened_is_a_failure() {
    let absent = diagnosis(&["--source", "file:no-such.wav"]);
    finds(&absent, "capture", "failure", &["no-such.wav", "--source"]);
}

/// No sound system answers: an empty home, and a server that is not there.
#[test]
fn a_machine_without_sound_says_what_is_missing_and_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = format!("unix:{}/native", folder.path().display());
    let output = tympan()
        .args(["doctor", "--json", "--seconds", "1", "--source", "microphone:no such device"])
        .env("PULSE_SERVER", &nowhere)
        .env("HOME", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let diagnosis: Value = serde_json::from_slice(&output.stdout).unwrap();
    for check in ["sound cards", "permissions", "busy cards", "devices"] {
        let _ = of(&diagnosis, check);
    }
    finds(&diagnosis, "sound server", "warning", &[&nowhere, "unset PULSE_SERVER"]);
    finds(&diagnosis, "capture", "failure", &["no such device"]);
}
