//! Why labels began no event, as window records say it to clients that ask.

use std::time::Duration;

use tympan::domain::{MelWindow, Published, Reason, Record, Scores};
use tympan::recognition::{
    DetectorSettings, DetectorSpec, EventIds, ModelTraits, RecognitionRules, Tracker,
};

use super::{model, nth, plain, rate};

fn tracker(model: &ModelTraits, settings: DetectorSettings) -> Tracker {
    let rules = RecognitionRules {
        smoothing: Duration::ZERO,
        detector: DetectorSpec::new(model, settings).unwrap(),
        denied_labels: Vec::new(),
        top_labels: 1,
    };
    let mut tracker = Tracker::new(rules, "mic", rate(), EventIds::default());
    tracker.set_gives_reasons(true);
    tracker
}

/// The labels of the window's reasons, each with the reason.
fn reasons(tracker: &mut Tracker, window: &MelWindow, verified: &[f32]) -> Vec<(String, Reason)> {
    let mut scores = Scores { values: window.values.clone(), verified: verified.to_vec() };
    let mut records: Vec<Record> = Vec::new();
    let emit = &mut |published: Published| records.push(published.record);
    tracker.push(window, &mut scores, emit).unwrap();
    let Record::Window(window) = &records[0] else { panic!("the window comes first") };
    let reasons = window.reasons.iter();
    reasons.map(|reason| (reason.label.to_string(), reason.reason.clone())).collect()
}

/// What is given for the dog, which scores this in window `k`.
fn of_dog(tracker: &mut Tracker, k: u64, score: f32) -> Reason {
    let mut reasons = reasons(tracker, &nth(k, [score, 0.01, 0.01]), &[]);
    assert_eq!(reasons.len(), 1, "labels below 0.05 need no reason: {reasons:?}");
    reasons.pop().unwrap().1
}

#[test]
fn a_label_is_below_its_threshold_unconfirmed_an_event_or_at_rest() {
    let cooldown = Duration::from_secs(1);
    let settings = DetectorSettings { confirm_windows: 2, confirm_of: 3, cooldown, ..plain() };
    let mut tracker = tracker(&model(), settings);
    assert_eq!(of_dog(&mut tracker, 0, 0.5), Reason::BelowThreshold);
    let once = Reason::Unconfirmed { windows: 1, needed: 2, of: 3 };
    assert_eq!(of_dog(&mut tracker, 1, 0.7), once);
    assert_eq!(of_dog(&mut tracker, 2, 0.8), Reason::Event);
    assert_eq!(of_dog(&mut tracker, 3, 0.5), Reason::Event);
    assert_eq!(of_dog(&mut tracker, 4, 0.1), Reason::BelowThreshold);
    assert_eq!(of_dog(&mut tracker, 5, 0.9), Reason::Cooldown);
}

#[test]
fn a_quiet_window_gives_the_scores_that_did_not_count() {
    let mut tracker = tracker(&model(), plain());
    let quiet = MelWindow { level_dbfs: -100.0, ..nth(0, [0.9, 0.2, 0.0]) };
    let expected = [("dog", Reason::TooQuiet), ("rain", Reason::TooQuiet)];
    let expected = expected.map(|(label, reason)| (label.to_owned(), reason));
    assert_eq!(reasons(&mut tracker, &quiet, &[]), expected);
}

#[test]
fn a_denied_label_is_no_event_and_one_that_is_none_holds_others_back() {
    let speech = ModelTraits { non_events: vec!["church bells".to_owned()], ..model() };
    let settings = DetectorSettings { deny: vec!["rain".to_owned()], ..plain() };
    let mut tracker = tracker(&speech, settings);
    let expected = [
        ("church bells", Reason::NotAllowed),
        ("rain", Reason::NotAllowed),
        ("dog", Reason::HeldBack { by: "church bells".into() }),
    ];
    let expected = expected.map(|(label, reason)| (label.to_owned(), reason));
    assert_eq!(reasons(&mut tracker, &nth(0, [0.2, 0.7, 0.9]), &[]), expected);
}

#[test]
fn a_verifier_that_took_a_score_below_the_threshold_is_named_with_its_own() {
    let mut tracker = tracker(&model(), plain());
    let window = nth(0, [0.3, 0.0, 0.0]);
    let given = reasons(&mut tracker, &window, &[0.1, 0.0, 0.0]);
    assert_eq!(given, [("dog".to_owned(), Reason::Verifier { verifier_score: 0.1 })]);
    let window = nth(1, [0.3, 0.0, 0.0]);
    let given = reasons(&mut tracker, &window, &[0.5, 0.0, 0.0]);
    assert_eq!(given, [("dog".to_owned(), Reason::BelowThreshold)]);
}

#[test]
fn nothing_is_given_unless_somebody_asks() {
    let mut tracker = tracker(&model(), plain());
    tracker.set_gives_reasons(false);
    assert!(reasons(&mut tracker, &nth(0, [0.5, 0.5, 0.5]), &[]).is_empty());
}
