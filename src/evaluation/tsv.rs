//! Scores, events and truth as tables that other tools read: `sed_scores_eval` and `sed_eval`. Written by the evaluation on
//! the calling thread.

use std::fmt::Write as _;
use std::path::Path;

use super::streaming::{SceneDetections, ScoreTable};
use super::{MeasureError, TopScore};
use crate::domain::{LabelSet, SampleIndex, SampleRate};
use crate::files::{self, Durability};

/// The header of a list of events.
const EVENTS: &str = "filename\tonset\toffset\tevent_label\n";

/// Writes `scores/SCENE.tsv` for each scene, `ground_truth.tsv` and `durations.tsv` into `folder`, which is made.
pub(super) fn write_scores(
    folder: &Path,
    labels: &LabelSet,
    tables: &[ScoreTable],
) -> Result<(), MeasureError> {
    let (mut truth, mut durations) = (EVENTS.to_owned(), "filename\tduration\n".to_owned());
    for (index, table) in tables.iter().enumerate() {
        let name = scene_name(index);
        write(&folder.join("scores").join(format!("{name}.tsv")), &table.tsv(labels))?;
        for event in &table.truth {
            let span = [event.start_sample, event.end_sample];
            push_event(&mut truth, &name, table.sample_rate, span, labels.label(event.label));
        }
        let _ = writeln!(durations, "{name}\t{}", table.seconds());
    }
    write(&folder.join("ground_truth.tsv"), &truth)?;
    write(&folder.join("durations.tsv"), &durations)
}

/// Writes the events that the daemon would report in the scenes.
pub(super) fn write_events(
    file: &Path,
    labels: &LabelSet,
    scenes: &[SceneDetections],
) -> Result<(), MeasureError> {
    let mut text = EVENTS.to_owned();
    for (index, scene) in scenes.iter().enumerate() {
        let name = scene_name(index);
        for event in &scene.detected {
            let span = [event.start_sample, event.end_sample];
            push_event(&mut text, &name, scene.sample_rate, span, labels.label(event.label));
        }
    }
    write(file, &text)
}

/// Writes `open_set.tsv` into `folder`: a row a window, with its set, its highest score, and 1 where that is of the right
/// label.
pub(super) fn write_open_set(
    folder: &Path,
    sets: &[(&str, &[TopScore])],
) -> Result<(), MeasureError> {
    let mut text = String::from("set\tscore\tcorrect\n");
    for (set, windows) in sets {
        for window in *windows {
            let _ = writeln!(text, "{set}\t{}\t{}", window.score, u8::from(window.correct));
        }
    }
    write(&folder.join("open_set.tsv"), &text)
}

fn scene_name(index: usize) -> String {
    format!("scene-{:03}", index + 1)
}

fn push_event(
    text: &mut String,
    name: &str,
    rate: SampleRate,
    [from, to]: [SampleIndex; 2],
    label: &str,
) {
    let _ = writeln!(text, "{name}\t{}\t{}\t{label}", rate.seconds_at(from), rate.seconds_at(to));
}

fn write(path: &Path, text: &str) -> Result<(), MeasureError> {
    let failed = |source| MeasureError::Table { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
    files::replace(path, text.as_bytes(), Durability::Synced).map_err(failed)
}
