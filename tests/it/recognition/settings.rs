//! Which wishes for a detector are refused, and what thresholds the others lead to.

use std::time::Duration;

use tympan::recognition::{
    DetectorFault, DetectorSettings, DetectorSpec, ThresholdChange, Thresholds,
};

use super::{model, plain};

fn faults(settings: DetectorSettings) -> Vec<DetectorFault> {
    DetectorSpec::new(&model(), settings).err().unwrap_or_default()
}

fn change(on: Option<f32>, off: Option<f32>) -> ThresholdChange {
    ThresholdChange { on, off }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn a_label_that_is_no_event_becomes_one_only_where_it_is_named() {
    let mut model = model();
    model.non_events = strings(&["rain"]);
    let allowed = |settings: DetectorSettings| {
        let spec = DetectorSpec::new(&model, settings).unwrap();
        let labels = spec.labels().iter().enumerate();
        let labels = labels.filter(|(index, _)| spec.is_allowed(*index));
        labels.map(|(_, label)| label.to_string()).collect::<Vec<_>>()
    };
    assert!(!allowed(plain()).contains(&"rain".to_owned()));
    let named = DetectorSettings { allow: strings(&["dog", "rain"]), ..plain() };
    assert_eq!(allowed(named.clone()), ["dog", "rain"]);
    assert_eq!(allowed(DetectorSettings { deny: strings(&["rain"]), ..named }), ["dog"]);
}

#[test]
fn every_combination_that_can_never_fire_is_refused_at_its_key() {
    let all = |on| DetectorSettings { every_label: change(Some(on), None), ..plain() };
    let cases = [
        (all(1.4), "detector.threshold"),
        (all(1.0), "detector.threshold"),
        (all(0.0), "detector.threshold"),
        (all(f32::NAN), "detector.threshold"),
        (
            DetectorSettings { confirm_windows: 5, confirm_of: 3, ..plain() },
            "detector.confirm.windows",
        ),
        (DetectorSettings { confirm_windows: 0, ..plain() }, "detector.confirm.windows"),
        (DetectorSettings { confirm_of: 100_000, ..plain() }, "detector.confirm.of"),
        (
            DetectorSettings { confirm_of: 20, max_event: Duration::from_secs(1), ..plain() },
            "detector.confirm.of",
        ),
        (
            DetectorSettings { min_event: Duration::from_secs(90), ..plain() },
            "detector.min_event_ms",
        ),
        (DetectorSettings { max_event: Duration::ZERO, ..plain() }, "detector.max_event_s"),
        (DetectorSettings { min_level_dbfs: 0.0, ..plain() }, "detector.min_level_dbfs"),
        (DetectorSettings { min_level_dbfs: f32::NAN, ..plain() }, "detector.min_level_dbfs"),
        (
            DetectorSettings { deny: strings(&["dog", "rain", "church bells"]), ..plain() },
            "detector.deny",
        ),
        (
            DetectorSettings { allow: strings(&["dog"]), deny: strings(&["dog"]), ..plain() },
            "detector.deny",
        ),
        (DetectorSettings { allow: strings(&["church bell"]), ..plain() }, "detector.allow"),
    ];
    for (settings, key) in cases {
        let found = faults(settings.clone());
        let keys: Vec<_> = found.iter().map(DetectorFault::key).collect();
        assert_eq!(keys, [key], "{settings:?}: {found:?}");
    }
    assert_eq!(faults(plain()), []);
    assert_eq!(faults(DetectorSettings::default()), []);
}

#[test]
fn all_faults_are_reported_at_once_with_the_nearest_label() {
    let by_label = [
        ("chruch bells".to_owned(), change(Some(0.5), None)),
        ("dog".to_owned(), change(Some(1.4), Some(0.3))),
        ("rain".to_owned(), change(None, Some(0.7))),
    ];
    let found = faults(DetectorSettings {
        by_label: by_label.into(),
        deny: strings(&["Dogg", "zzz"]),
        confirm_windows: 2,
        ..plain()
    });
    let message: Vec<_> = found.iter().map(|fault| format!("{} {fault}", fault.key())).collect();
    let expected = [
        "detector.labels.dog.threshold is 1.4; it must be above 0 and below 1. Lower it, or delete the line to use \
         the model's own 0.6.",
        "detector.confirm.windows is 2, but only the last 1 are looked at (detector.confirm.of); nothing could ever \
         be confirmed. Lower it to 1 or less.",
        "detector.deny names \"Dogg\", which is not one of this model's 3 labels; did you mean \"dog\"?",
        "detector.deny names \"zzz\", which is not one of this model's 3 labels.",
        "detector.labels.\"chruch bells\" names \"chruch bells\", which is not one of this model's 3 labels; did you \
         mean \"church bells\"?",
        "detector.labels.rain.off_threshold is 0.7, above the threshold of 0.6 that begins an event (the model's \
         own). Set it to 0.6 or less, or delete the line.",
    ];
    assert_eq!(message, expected);
}

#[test]
fn a_label_takes_its_own_override_then_the_general_one_then_the_models() {
    let every_label = change(Some(0.3), None);
    let by_label =
        [("dog".to_owned(), change(Some(0.9), None)), ("rain".to_owned(), change(None, Some(0.1)))];
    let settings = DetectorSettings { every_label, by_label: by_label.into(), ..plain() };
    let spec = DetectorSpec::new(&model(), settings).unwrap();
    let near = |index, on: f32, off: f32| {
        let Thresholds { on: found_on, off: found_off } = spec.thresholds(index);
        assert!((found_on - on).abs() < 1e-6 && (found_off - off).abs() < 1e-6, "{index}");
    };
    // off keeps the model's proportion of 0.4 to 0.6 unless set
    near(0, 0.9, 0.6);
    near(1, 0.3, 0.1);
    near(2, 0.3, 0.2);

    let lowered = DetectorSettings { every_label: change(None, Some(0.9)), ..plain() };
    let spec = DetectorSpec::new(&model(), lowered).unwrap();
    assert_eq!(spec.thresholds(0), Thresholds { on: 0.6, off: 0.6 });
}

#[test]
fn a_model_whose_own_thresholds_cannot_work_is_distinguished_and_can_be_overridden() {
    let mut model = model();
    model.thresholds[1] = Thresholds { on: 1.0, off: 0.5 };
    let found = DetectorSpec::new(&model, plain()).unwrap_err();
    assert_eq!(found[0].key(), "detector.labels.rain.threshold");
    assert!(found[0].to_string().contains("model's own thresholds"), "{}", found[0]);
    let by_label = [("rain".to_owned(), change(Some(0.5), Some(0.3)))].into();
    assert!(DetectorSpec::new(&model, DetectorSettings { by_label, ..plain() }).is_ok());

    model.thresholds.pop();
    let found = DetectorSpec::new(&model, plain()).unwrap_err();
    assert!(found[0].to_string().contains("3 labels and 2 pairs"), "{found:?}");
}
