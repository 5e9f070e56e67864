//! `eval` of the shipped model on sounds made up on the spot: streaming figures, sound without a label, and the tables
//! that other tools read. Needs no training.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{failure, says, success, write_wav};

/// Clips of two of the model's labels, hiss to place them in, and whistles that have no label.
fn sounds() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, seconds: usize, sample: &mut dyn FnMut(f64) -> f64| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let samples: Vec<i16> = (0..seconds * 16_000)
            .map(|index| (sample(index as f64 / 16_000.0) * 32_767.0) as i16)
            .collect();
        write_wav(&path, 16_000, 1, &samples);
    };
    let mut state = 1u32;
    let mut hiss = |_: f64| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / 167_772_160.0 - 0.05
    };
    let tone = |hz: f64| move |at: f64| 0.2 * (std::f64::consts::TAU * hz * at).sin();
    write("noise/a.wav", 6, &mut hiss);
    write("clips/rain/a.wav", 4, &mut hiss);
    write("clips/rain/b.wav", 4, &mut hiss);
    write("clips/siren/a.wav", 4, &mut tone(700.0));
    write("clips/siren/b.wav", 4, &mut tone(900.0));
    write("whistles/ann-1.wav", 3, &mut tone(1_500.0));
    write("whistles/ann-2.wav", 3, &mut tone(1_800.0));
    write("whistles/bob-1.wav", 3, &mut tone(2_100.0));
    folder
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn figures_of_the_field_come_with_the_tables_that_other_tools_read() {
    let folder = sounds();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (clips, noise, whistles) = (path("clips"), path("noise"), path("whistles"));
    let (tables, events, page) = (path("out/tables"), path("out/events.tsv"), path("report"));
    let eval = ["eval", "--data", &clips, "--background", &noise, "--minutes", "1"];
    let unlabelled = ["--unlabelled", &whistles, "--unlabelled", &noise];
    let unknown = ["--unknown-seen", &noise, "--unknown", &whistles];
    let out = ["--scores-tsv", &tables, "--events-tsv", &events, "--report", &page];
    let asked = [&eval[..], &unlabelled, &unknown, &out].concat();
    let printed = success(&[&asked[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&printed).unwrap();
    let streaming = &report["streaming"];
    let collars: Vec<_> = streaming["event_scores"].as_array().unwrap().iter().collect();
    assert_eq!(collars.len(), 3);
    assert_eq!((&collars[0]["collar"]["onset_s"], &collars[0]["events"]), (&0.5.into(), &4.into()));
    assert!(streaming["psds_1"].is_number() && streaming["psds_2"].is_number(), "{streaming}");
    assert_eq!(streaming["operating_points"].as_array().unwrap().len(), 3);
    let kinds = report["unlabelled"]["kinds"].as_array().unwrap();
    let counted = |at: usize, what: &str| &kinds[at][what];
    assert_eq!((counted(0, "kind"), counted(1, "kind")), (&"noise".into(), &"whistles".into()));
    assert_eq!((counted(1, "recordings"), counted(1, "sources")), (&3.into(), &2.into()));
    assert_eq!(counted(1, "seconds"), &Value::from(9.0));
    assert_eq!(report["unlabelled"]["all"]["recordings"], 4);
    assert!(counted(0, "upper_per_hour").as_f64().unwrap() > 1_000.0, "six seconds prove little");
    assert_eq!(report["open_set"]["unseen"]["recordings"], 3);
    assert!(report["open_set"]["seen"]["auroc"].is_number());
    // what other tools read
    let scores = text(&folder.path().join("out/tables/scores/scene-001.tsv"));
    let mut rows = scores.lines();
    says(rows.next().unwrap(), &["onset\toffset\t", "\tsiren"]);
    let row: Vec<&str> = rows.next().unwrap().split('\t').collect();
    assert_eq!((row[0], row.len()), ("0", 54));
    assert_eq!(rows.next().unwrap().split('\t').next(), Some(row[1]), "rows follow each other");
    let truth = text(&folder.path().join("out/tables/ground_truth.tsv"));
    assert_eq!(truth.lines().count(), 5);
    says(&truth, &["filename\tonset\toffset\tevent_label\n", "scene-001\t", "\tsiren\n"]);
    says(&text(&folder.path().join("out/tables/durations.tsv")), &["scene-001\t"]);
    says(&text(&folder.path().join("out/tables/open_set.tsv")), &["known\t", "seen\t", "unseen\t"]);
    says(&text(&folder.path().join("out/events.tsv")), &["filename\tonset\toffset\tevent_label\n"]);
    let page = text(&folder.path().join("report/index.html"));
    says(&page, &["Event-based F-score", "PSDS", "Sound without a label", "never seen"]);
    // and what people read fits a terminal
    let printed = success(&asked);
    let parts = ["micro F1", "PSDS scenario 1", "alarms/h allowed", "whistles", "never seen"];
    says(&printed, &parts);
    for line in printed.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn options_that_need_others_say_which() {
    let folder = sounds();
    let clips = folder.path().join("clips");
    let eval = ["eval", "--data", clips.to_str().unwrap()];
    for (option, needed) in [
        (["--scores-tsv", "out"], "--background"),
        (["--events-tsv", "out"], "--background"),
        (["--kind-column", "label"], "--manifest"),
    ] {
        says(&failure(&[&eval[..], &option].concat(), 2), &[needed]);
    }
    let absent = failure(&[&eval[..], &["--unlabelled", "nowhere"]].concat(), 3);
    says(&absent, &["nowhere"]);
}
