//! What was said against what there is: early, late, twice, something else, nothing.

use std::time::Duration;

use tympan::domain::{LabelSet, SampleIndex};
use tympan::evaluation::DetectedEvent;
use tympan::evaluation::streaming::{
    EventCollar, EventMatch, EventScores, FalseAlarmFigures, MatchRule, SceneDetections,
    StreamingFigures, TrueEvent, match_events,
};

use super::{labels, rate};

/// Label, start and end, in seconds.
fn truth(label: usize, start: f64, end: f64) -> TrueEvent {
    TrueEvent { label, start_sample: at(start), end_sample: at(end), snr_db: 10.0 }
}

/// Label and start, in seconds; confirmed half a second later.
fn detected(label: usize, start: f64) -> DetectedEvent {
    DetectedEvent {
        label,
        start_sample: at(start),
        end_sample: at(start + 1.0),
        confirmed_at: at(start + 0.5),
        score: 0.9,
    }
}

fn at(seconds: f64) -> SampleIndex {
    SampleIndex((seconds * 16_000.0).round() as u64)
}

/// A scene of a minute.
fn scene(truth: &[TrueEvent], detected: &[DetectedEvent]) -> SceneDetections {
    SceneDetections {
        truth: truth.to_vec(),
        detected: detected.to_vec(),
        sample_rate: rate(16_000),
        samples: 60 * 16_000,
    }
}

fn pairs(pairs: &[EventMatch]) -> Vec<(usize, usize)> {
    pairs.iter().map(|pair| (pair.truth, pair.detected)).collect()
}

#[test]
fn an_onset_is_right_up_to_the_tolerance_and_no_further() {
    let rule = MatchRule::default();
    for (start, hit) in [(8.99, false), (9.0, true), (10.0, true), (11.0, true), (11.01, false)] {
        let matches = match_events(&scene(&[truth(0, 10.0, 15.0)], &[detected(0, start)]), rule);
        assert_eq!(matches.hits.len(), usize::from(hit), "{start}");
        assert_eq!(matches.unfounded.len(), usize::from(!hit), "{start}");
        assert_eq!(matches.missed.len(), usize::from(!hit), "{start}");
    }
}

#[test]
fn late_within_the_event_is_right_by_the_other_rule() {
    for (start, hit) in [(8.99, false), (9.0, true), (14.9, true), (16.0, true), (16.01, false)] {
        let scene = scene(&[truth(0, 10.0, 15.0)], &[detected(0, start)]);
        assert_eq!(
            match_events(&scene, MatchRule::within()).hits.len(),
            usize::from(hit),
            "{start}"
        );
    }
    let tight = MatchRule::Within { tolerance: Duration::ZERO };
    let scene = scene(&[truth(0, 10.0, 15.0)], &[detected(0, 15.5)]);
    assert_eq!(match_events(&scene, tight).hits.len(), 0);
}

#[test]
fn detected_twice_is_one_hit_and_one_fragment() {
    let scene =
        scene(&[truth(0, 10.0, 15.0)], &[detected(0, 10.2), detected(0, 13.0), detected(0, 30.0)]);
    let matches = match_events(&scene, MatchRule::default());
    assert_eq!(pairs(&matches.hits), [(0, 0)]);
    assert_eq!(pairs(&matches.fragments), [(0, 1)]);
    assert_eq!(matches.unfounded, [2]);
}

#[test]
fn the_wrong_label_is_a_miss_and_a_false_positive_and_reported_as_a_substitution() {
    let truth = [truth(0, 10.0, 15.0), truth(0, 20.0, 25.0)];
    let scene = scene(&truth, &[detected(1, 10.5), detected(1, 12.0), detected(1, 40.0)]);
    let matches = match_events(&scene, MatchRule::default());
    assert_eq!((matches.missed, matches.unfounded), (vec![0, 1], vec![0, 1, 2]));
    assert_eq!(pairs(&matches.substitutions), [(0, 0)]);
}

#[test]
fn something_else_detected_beside_a_hit_is_a_plain_false_positive() {
    let scene = scene(&[truth(0, 10.0, 15.0)], &[detected(0, 10.5), detected(1, 10.5)]);
    let matches = match_events(&scene, MatchRule::default());
    assert_eq!((pairs(&matches.hits), matches.unfounded), (vec![(0, 0)], vec![1]));
    assert!(matches.substitutions.is_empty());
}

#[test]
fn neighbours_share_a_detection_so_that_both_are_hit() {
    // the first that was said fits both, the second only the later one
    let truth = [truth(0, 10.0, 10.5), truth(0, 11.5, 12.0)];
    let matches =
        match_events(&scene(&truth, &[detected(0, 10.9), detected(0, 12.4)]), MatchRule::default());
    assert_eq!(pairs(&matches.hits), [(0, 0), (1, 1)]);
    // the other way round: the second fits both, and each takes what it can
    let matches =
        match_events(&scene(&truth, &[detected(0, 9.2), detected(0, 10.9)]), MatchRule::default());
    assert_eq!(pairs(&matches.hits), [(0, 0), (1, 1)]);
}

#[test]
fn figures_are_those_counted_by_hand() {
    let labels = LabelSet::new(&["dog", "cat", "cow"]).unwrap();
    let truth = [truth(0, 5.0, 8.0), truth(0, 15.0, 18.0), truth(1, 25.0, 28.0)];
    let listed = [
        detected(0, 5.5),
        detected(0, 7.0),
        detected(1, 15.5),
        detected(1, 25.0),
        detected(2, 50.0),
    ];
    let scenes = [scene(&truth, &listed), scene(&[], &[])];
    let figures = StreamingFigures::new(&labels, &scenes, MatchRule::default());
    assert_eq!(figures.seconds, 120.0);
    assert_eq!((figures.events, figures.hits, figures.fragments), (3, 2, 1));
    assert_eq!(figures.false_positives, 2);
    let near = |found: Option<f64>, expected: f64| {
        assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?} {expected}");
    };
    near(figures.precision, 2.0 / 4.0);
    near(figures.recall, 2.0 / 3.0);
    near(figures.f1, 4.0 / 7.0);
    // dog: precision 1, recall ½, F1 2/3; cat: precision ½, recall 1, F1 2/3; cow has no events and does not count
    near(Some(figures.macro_precision), 0.75);
    near(Some(figures.macro_recall), 0.75);
    near(Some(figures.macro_f1), 2.0 / 3.0);
    let cow = &figures.classes[2];
    assert_eq!((cow.events, cow.false_positives, cow.precision), (0, 1, Some(0.0)));
    assert_eq!((cow.recall, cow.f1), (None, None));
    let [substitution] = &figures.substitutions[..] else { panic!("{:?}", figures.substitutions) };
    assert_eq!(
        (&*substitution.truth, &*substitution.detected, substitution.events),
        ("dog", "cat", 1)
    );
    // confirmed 1.0 s and 0.5 s after the true start
    let delay = figures.delay.unwrap();
    assert_eq!(delay.hits, 2);
    near(Some(delay.median_s), 0.75);
    near(Some(delay.p90_s), 0.95);
}

#[test]
fn nothing_detected_and_nothing_there_have_no_shares() {
    let figures = StreamingFigures::new(&labels(), &[scene(&[], &[])], MatchRule::default());
    assert_eq!((figures.precision, figures.recall, figures.f1), (None, None, None));
    assert_eq!(figures.delay, None);
}

#[test]
fn false_alarms_are_counted_where_nothing_true_is() {
    let alarmed = scene(&[], &[detected(1, 3.0), detected(1, 20.0), detected(0, 40.0)]);
    let eventful = scene(&[truth(0, 5.0, 8.0)], &[detected(0, 5.0), detected(0, 30.0)]);
    let figures = FalseAlarmFigures::new(&labels(), &[alarmed, scene(&[], &[]), eventful]);
    assert_eq!((figures.seconds, figures.alarms), (120.0, 3));
    assert_eq!(figures.per_hour, Some(90.0));
    let by_label: Vec<_> =
        figures.by_label.iter().map(|label| (&*label.label, label.alarms)).collect();
    assert_eq!(by_label, [("high tone", 2), ("low tone", 1)]);
    assert_eq!(FalseAlarmFigures::new(&labels(), &[]).per_hour, None);
}

#[test]
fn event_scores_are_those_counted_by_hand() {
    let labels = LabelSet::new(&["dog", "cat", "cow", "hen"]).unwrap();
    let truth =
        [truth(0, 5.0, 8.0), truth(0, 15.0, 18.0), truth(1, 25.0, 28.0), truth(3, 50.0, 51.0)];
    let mut listed = [
        // within half a second, and again: a false positive here
        detected(0, 5.5),
        detected(0, 7.0),
        // 1.2 s late
        detected(0, 16.2),
        // to the point, and it ends 0.59 s early: within a fifth of three seconds
        detected(1, 25.1),
        // a class without true events
        detected(2, 40.0),
    ];
    listed[3].end_sample = at(27.41);
    let scenes = [scene(&truth, &listed)];
    let of = |collar| EventScores::new(&labels, &scenes, collar);
    let near = |found: Option<f64>, expected: f64| {
        assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?} {expected}");
    };
    let headline = of(EventCollar::HEADLINE);
    assert_eq!((headline.events, headline.detected, headline.hits), (4, 5, 2));
    near(headline.precision, 2.0 / 5.0);
    near(headline.recall, 2.0 / 4.0);
    near(headline.micro_f1, 4.0 / 9.0);
    // dog 2/5, cat 1, hen 0; cow has no events
    near(headline.macro_f1, (2.0 / 5.0 + 1.0 + 0.0) / 3.0);
    let wide = of(EventCollar::WIDE);
    assert_eq!(wide.hits, 3);
    near(wide.macro_f1, (4.0 / 5.0 + 1.0 + 0.0) / 3.0);
    let strict = of(EventCollar::STRICT);
    assert_eq!(strict.hits, 1);
    near(strict.micro_f1, 2.0 / 9.0);
}

#[test]
fn a_collar_reaches_its_last_sample_and_no_further() {
    for (collar, late, hits) in [
        (EventCollar::HEADLINE, 0.5, 1),
        (EventCollar::HEADLINE, 0.5001, 0),
        (EventCollar::WIDE, -2.0, 1),
        (EventCollar::WIDE, 2.0001, 0),
    ] {
        let scene = scene(&[truth(0, 10.0, 15.0)], &[detected(0, 10.0 + late)]);
        assert_eq!(EventScores::new(&labels(), &[scene], collar).hits, hits, "{late}");
    }
    // the offset: a fifth of five seconds, and 0.2 s for a short event
    for (length, early, hits) in [(5.0, 1.0, 1), (5.0, 1.01, 0), (0.5, 0.2, 1), (0.5, 0.21, 0)] {
        let mut found = detected(0, 10.0);
        found.end_sample = at(10.0 + length - early);
        let scene = scene(&[truth(0, 10.0, 10.0 + length)], &[found]);
        let scores = EventScores::new(&labels(), &[scene], EventCollar::STRICT);
        assert_eq!(scores.hits, hits, "{length} {early}");
    }
}

#[test]
fn each_event_is_matched_once_and_as_many_as_can_be() {
    let truth = [truth(0, 10.0, 10.5), truth(0, 10.8, 12.0)];
    // the first detection fits both, the second only the first
    let scene = scene(&truth, &[detected(0, 10.4), detected(0, 9.6)]);
    let scores = EventScores::new(&labels(), &[scene], EventCollar::HEADLINE);
    assert_eq!((scores.hits, scores.micro_f1, scores.macro_f1), (2, Some(1.0), Some(1.0)));
}

#[test]
fn event_scores_of_nothing_are_none() {
    let scores = EventScores::new(&labels(), &[scene(&[], &[])], EventCollar::HEADLINE);
    assert_eq!((scores.precision, scores.recall, scores.micro_f1), (None, None, None));
    assert_eq!(scores.macro_f1, None);
}
