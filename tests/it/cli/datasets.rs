//! `eval` on a dataset made up on the spot, and the shipped bundle on the real one.

use std::path::Path;

use serde_json::Value;

use super::success;
use crate::support::recordings::recordings;

#[test]
fn the_shipped_bundle_does_on_fold_4_what_its_card_says() {
    let Some(data) = recordings("the_shipped_bundle_does_on_fold_4_what_its_card_says") else {
        return;
    };
    let data = data.join("esc50");
    let report =
        success(&["eval", "--data", data.to_str().unwrap(), "--licences", "CC0,CC-BY", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let bundle = tympan::model::Bundle::load(Path::new("models/esc50")).unwrap();
    let figures = &bundle.manifest.figures;
    assert_eq!(report["clips"], figures.clips);
    assert_eq!(report["trained_on"], false);
    // another processor may round a score the other way; more than two clips would be another model
    let apart = (report["clip_accuracy"].as_f64().unwrap() - figures.clip_accuracy).abs();
    assert!(
        apart * figures.clips as f64 <= 2.0,
        "{}, the card says {figures:?}",
        report["clip_accuracy"]
    );
}

#[test]
fn a_part_of_the_set_is_measured_on_what_was_held_out_of_it() {
    let Some(data) = recordings("a_part_of_the_set_is_measured_on_what_was_held_out_of_it") else {
        return;
    };
    let data = data.join("esc50");
    let eval = ["eval", "--data", data.to_str().unwrap(), "--subset", "esc10", "--json"];
    let report: Value = serde_json::from_str(&success(&eval)).unwrap();
    assert_eq!((&report["clips"], &report["trained_on"]), (&80.into(), &false.into()));
    assert_eq!(report["classes"].as_array().unwrap().len(), 10);
}
