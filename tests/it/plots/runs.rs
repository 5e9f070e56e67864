//! Learning curves, and the logs they are read from.

use std::path::PathBuf;

use tempfile::TempDir;
use tympan::plots::{PlotError, Sheet, TrainingLog, draw_curves};

use super::{pixels_of, shows, svg_of};

const LOG: &str = "\
epoch,learning_rate,train_loss,train_accuracy,validation_loss,validation_clip_accuracy,validation_window_accuracy,seconds,note
1,0.001,3.5,0.10,3.0,0.20,0.15,12.1,x
2,0.002,2.5,0.40,,,,12.0,
3,0.001,1.5,0.70,2.0,0.655,0.5,11.9,\"a, b\"
4,0.001,0.5,0.95,2.4,0.60,0.5,11.9,
";

fn log(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn curves_name_the_runs_and_their_best_epochs() {
    let (_folder, path) = log(LOG);
    let runs = ["crnn", "lstm"].map(|name| TrainingLog::load(&path, name).unwrap());
    assert_eq!(runs[0].epochs[1].validation_loss, None);
    let picture = draw_curves(&runs, &Sheet::titled("two runs")).unwrap();
    let svg = svg_of(&picture);
    shows(&svg, &["two runs", "epoch", "loss", "accuracy (%)", "training"]);
    shows(&svg, &["crnn: 65.5 % at epoch 3, lowest loss 2.000 at epoch 3"]);
    shows(&svg, &["lstm: 65.5 % at epoch 3, lowest loss 2.000 at epoch 3"]);
    pixels_of(&picture);
}

#[test]
fn columns_are_found_by_name_and_a_row_cut_short_ends_the_log() {
    let (_folder, path) = log("validation_loss,epoch\n2.5,7\n1.5,8\n1.0");
    let run = TrainingLog::load(&path, "run").unwrap();
    let read: Vec<_> = run.epochs.iter().map(|it| (it.epoch, it.validation_loss)).collect();
    assert_eq!(read, [(7.0, Some(2.5)), (8.0, Some(1.5))]);
    svg_of(&draw_curves(&[run], &Sheet::default()).unwrap());
}

#[test]
fn training_is_drawn_as_validation_measures_it_where_the_log_has_that() {
    let (_folder, path) = log("epoch,train_loss,train_plain_loss,validation_loss\n\
                               1,9.0,2.0,2.5\n2,9.0,,\n3,9.0,1.0,2.0\n");
    let run = TrainingLog::load(&path, "mixed").unwrap();
    let svg = svg_of(&draw_curves(&[run], &Sheet::default()).unwrap());
    // the augmented loss of 9 is not drawn: the axis ends below
    shows(&svg, &["training set, not augmented", "1.0", "2.0"]);
    assert!(!svg.contains(">\n9.0\n"));
}

#[test]
fn a_run_of_one_epoch_is_a_picture_too() {
    let (_folder, path) = log(&LOG.lines().take(2).collect::<Vec<_>>().join("\n"));
    let run = TrainingLog::load(&path, "begun").unwrap();
    pixels_of(&draw_curves(&[run], &Sheet::titled("begun")).unwrap());
}

#[test]
fn a_log_that_is_none_says_what_is_missing_and_where() {
    for (text, parts) in [
        ("a,b\n1,2\n", &["no column `epoch`", "train_loss"][..]),
        ("epoch,seconds\n1,2\n", &["no column `validation_loss`"]),
        ("epoch,train_loss\n1,0.5\n2,half\n", &["log.csv:3", "train_loss", "`half`"]),
        ("epoch,train_loss\n", &["no epoch"]),
    ] {
        let (_folder, path) = log(text);
        let message = TrainingLog::load(&path, "run").unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    }
    assert!(matches!(draw_curves(&[], &Sheet::default()), Err(PlotError::Empty { .. })));
}
