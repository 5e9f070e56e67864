//! `tympan bench` as a user runs it: what it measures, what it keeps, what it refuses to compare, and its exit codes.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{failure, output_of, says, success};

/// The other schedule, where this build has it.
#[cfg(feature = "torch")]
const FROM_SCRATCH: &[&str] = &["--exact-from-scratch"];
#[cfg(not(feature = "torch"))]
const FROM_SCRATCH: &[&str] = &[];
const SCHEDULE: &str = if FROM_SCRATCH.is_empty() { "incremental" } else { "from scratch" };

/// A run of three seconds: what it printed, and the baseline it saved.
fn saved() -> &'static (Value, Value) {
    static SAVED: OnceLock<(Value, Value)> = OnceLock::new();
    SAVED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("base.json");
        let arguments = ["bench", "--seconds", "3", "--json", "--save", path.to_str().unwrap()];
        let printed = serde_json::from_str(&success(&arguments)).unwrap();
        let kept = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (printed, kept)
    })
}

/// Writes the saved baseline, changed, to `folder`.
fn altered(folder: &Path, alter: impl FnOnce(&mut Value)) -> String {
    let mut baseline = saved().1.clone();
    alter(&mut baseline);
    let path = folder.join("altered.json");
    std::fs::write(&path, baseline.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Makes every figure of a baseline so bad that no machine is worse.
fn make_modest(baseline: &mut Value) {
    for stage in baseline["latency"].as_array_mut().unwrap() {
        for (key, value) in stage.as_object_mut().unwrap() {
            if key.ends_with("_us") {
                *value = json!(50_000_000);
            }
        }
    }
    baseline["cpu"]["of_a_core"] = json!(1e3);
    baseline["peak_resident_bytes"] = json!(1u64 << 50);
    for key in ["ready_ms", "first_label_ms", "first_label_without_audio_ms"] {
        baseline["start_up"][key] = json!(1e9);
    }
    for key in ["front_end_times_real_time", "whole_times_real_time", "windows_per_second"] {
        baseline["throughput"][key] = json!(1e-3);
    }
    baseline["windows_skipped"] = json!(1_000_000);
    baseline["samples_dropped"] = json!(1_000_000_000);
}

#[test]
fn every_stage_is_measured_up_to_the_client() {
    let report = &saved().0;
    // the first window ends after 1.92 s, one follows every 80 ms
    let windows = report["windows"].as_u64().unwrap();
    assert!(windows + report["windows_skipped"].as_u64().unwrap() >= 14, "{report}");
    assert_eq!(report["windows_at_client"], windows, "{report}");
    assert_eq!(report["samples_dropped"], 0, "{report}");
    let stages = report["latency"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["last sample → window", "window → scores", "scores → client", "last sample → client"]
    );
    let p50 = |stage: &Value| stage["p50_us"].as_u64().unwrap();
    for stage in stages {
        let keys = ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"];
        let percentiles = keys.map(|key| stage[key].as_u64().unwrap());
        assert!(percentiles.is_sorted(), "{stage}");
        assert!(p50(&stages[3]) >= p50(stage), "{report}");
    }
    let shares: f64 = stages[..3].iter().map(|stage| stage["share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 0.1, "{report}");
    assert!(report["tail_ratio"].as_f64().unwrap() >= 1.0, "{report}");
}

#[test]
fn cost_start_up_throughput_and_noise_are_reported() {
    let report = &saved().0;
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap();
    assert!(number("/throughput/whole_times_real_time") > 0.0);
    assert!(number("/throughput/front_end_times_real_time") > 0.0);
    assert!(number("/peak_resident_bytes") > 1e6, "{report}");
    // a window of 1.892 s cannot be known before its audio is there; numbers read from JSON may be off in their last digit
    let waiting =
        number("/start_up/first_label_ms") - number("/start_up/first_label_without_audio_ms");
    assert!(waiting > 1891.999, "{report}");
    assert!(number("/start_up/ready_ms") > 0.0);
    assert!(number("/start_up/first_label_ms") > number("/start_up/ready_ms"), "{report}");
    let threads = report["cpu"]["threads"].to_string();
    says(&threads, &["tympan-classify", "tympan-features", "tympan-clients"]);
    assert!(!threads.contains("tympan-reader") && !threads.contains("tympan-wakes"), "{threads}");
    assert!(number("/cpu/of_a_core") > 0.0, "{report}");
    assert!(report["noise"]["too_much"].is_array(), "{report}");
}

#[test]
fn what_is_saved_is_what_was_printed() {
    let (printed, kept) = saved();
    assert_eq!(printed, kept);
}

#[test]
fn a_modest_baseline_is_met_and_every_ratio_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let modest = altered(folder.path(), make_modest);
    let text = success(&["bench", "--seconds", "3", "--compare", &modest]);
    says(&text, &["against the baseline", "last sample → client, p99.9", "(not judged)", "ratio"]);
    says(&text, &["nothing is worse by more than", "p99 over p50", "READY after", "machine "]);
}

#[test]
fn a_figure_that_is_worse_is_named_and_ends_with_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = altered(folder.path(), |baseline| {
        make_modest(baseline);
        baseline["throughput"]["whole_times_real_time"] = json!(1e9);
        baseline["schedule"] = json!(SCHEDULE);
    });
    let run = ["bench", "--seconds", "3", "--json", "--compare", &path];
    let output = output_of(&[&run, FROM_SCRATCH].concat());
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    says(&printed, &["worse than", "altered.json", "full speed (1000000000 → "]);
    assert!(!printed.contains("p50"), "{printed}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schedule"], SCHEDULE);
    assert_eq!(report["windows"], report["windows_at_client"]);
    let figures = report["comparison"]["figures"].as_array().unwrap();
    let worse: Vec<&Value> = figures.iter().filter(|figure| figure["verdict"] == "worse").collect();
    assert_eq!(worse.len(), 1, "{report}");
    assert_eq!(worse[0]["figure"], "full speed");
    assert!(worse[0]["ratio"].as_f64().unwrap() < 1e-3, "{report}");
}

#[test]
fn a_baseline_of_another_model_or_schedule_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let path = altered(folder.path(), |baseline| baseline["model"] = json!("birds"));
    let printed = failure(&["bench", "--compare", &path], 2);
    says(&printed, &["altered.json", "another model", "\"birds\" there", "--save"]);
    let path = altered(folder.path(), |baseline| baseline["schedule"] = json!("from scratch"));
    let printed = failure(&["bench", "--compare", &path], 2);
    says(&printed, &["another schedule", "\"from scratch\" there, \"incremental\" here"]);
}

#[test]
fn a_file_that_is_no_baseline_is_refused_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.json");
    let text = path.to_str().unwrap();
    says(&failure(&["bench", "--compare", text], 2), &["cannot read the baseline", "other.json"]);
    std::fs::write(&path, "p50: 3").unwrap();
    says(&failure(&["bench", "--compare", text], 2), &["no JSON", "--save"]);
    std::fs::write(&path, r#"{"format":"tympan bench 0"}"#).unwrap();
    let printed = failure(&["bench", "--compare", text], 2);
    says(&printed, &["\"tympan bench 0\"", "\"tympan bench 1\" is expected"]);
    let nowhere = folder.path().join("missing/base.json");
    let printed = failure(&["bench", "--save", nowhere.to_str().unwrap()], 2);
    says(&printed, &["its folder does not exist"]);
    says(&failure(&["bench", "--tolerance", "0.1"], 2), &["--compare"]);
}
