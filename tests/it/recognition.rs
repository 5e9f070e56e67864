//! What a listener sees of recognition: windows with known scores go in, records come out. Also the rules of detection
//! that are refused. The property tests are in `rules`.

mod reasons;
mod rules;
mod settings;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tympan::domain::{
    EventPhase, EventRecord, GapCause, LabelSet, MelWindow, Published, Record, SampleIndex,
    SampleRate, Scores, StreamId,
};
use tympan::recognition::{
    DetectorSettings, DetectorSpec, Gap, ModelTraits, Recogniser, RecognitionRules, Scorer,
    ScorerError, Thresholds,
};

const HOP: u64 = 1_280;
const WINDOW: u64 = 16_000;
const LABELS: [&str; 3] = ["dog", "rain", "church bells"];

/// Gives back what stands in the window: `values[i]` is the score of label `i`.
struct Echo(LabelSet);

impl Scorer for Echo {
    fn labels(&self) -> &LabelSet {
        &self.0
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        for (window, scores) in windows.iter().zip(scores) {
            scores.values.clone_from(&window.values);
        }
        Ok(())
    }
}

fn rate() -> SampleRate {
    SampleRate::new(16_000).unwrap()
}

fn model() -> ModelTraits {
    ModelTraits {
        non_events: Vec::new(),
        labels: LabelSet::new(&LABELS).unwrap(),
        thresholds: vec![Thresholds { on: 0.6, off: 0.4 }; LABELS.len()],
        hop: rate().duration_of(HOP),
    }
}

/// Every window counts at once, and nothing is held or rests: the rules under test are switched on one by one.
fn plain() -> DetectorSettings {
    DetectorSettings {
        confirm_windows: 1,
        confirm_of: 1,
        min_event: Duration::ZERO,
        max_event: Duration::from_secs(60),
        cooldown: Duration::ZERO,
        ..DetectorSettings::default()
    }
}

fn recogniser(settings: DetectorSettings, smoothing: Duration) -> Recogniser {
    let rules = RecognitionRules {
        smoothing,
        detector: DetectorSpec::new(&model(), settings).unwrap(),
        denied_labels: Vec::new(),
        top_labels: LABELS.len(),
    };
    Recogniser::new(Box::new(Echo(model().labels)), rules, "mic", rate()).unwrap()
}

fn window(end_sample: u64, scores: [f32; 3]) -> MelWindow {
    MelWindow {
        values: scores.to_vec(),
        stream: StreamId::default(),
        segment: 0,
        start_frame: 0,
        start_sample: SampleIndex(end_sample.saturating_sub(WINDOW)),
        end_sample: SampleIndex(end_sample),
        level_dbfs: -20.0,
        arrival: Instant::now(),
        time: Timestamp::UNIX_EPOCH + rate().duration_of(end_sample),
    }
}

/// The `k`-th window of an unbroken run.
fn nth(k: u64, scores: [f32; 3]) -> MelWindow {
    window(WINDOW + k * HOP, scores)
}

/// Plays the dog's scores one hop after the other and ends the audio.
fn listen(settings: DetectorSettings, dog: &[f32]) -> Vec<EventRecord> {
    let mut recogniser = recogniser(settings, Duration::ZERO);
    let mut records = Vec::new();
    for (k, &score) in (0..).zip(dog) {
        recogniser
            .push(&nth(k, [score, 0.0, 0.0]), &mut |record| records.push(record.into()))
            .unwrap();
    }
    recogniser.finish(&mut |record| records.push(record.into()));
    events(&records)
}

fn events(records: &[Record]) -> Vec<EventRecord> {
    let event = |record: &Record| match record {
        Record::Event(event) => Some(event.clone()),
        _ => None,
    };
    records.iter().filter_map(event).collect()
}

/// Start and end of each event, in hops after the first window's end.
fn spans(events: &[EventRecord]) -> Vec<(i64, i64)> {
    let hops = |sample: SampleIndex| (sample.0 as i64 - WINDOW as i64) / HOP as i64;
    let span = |event: &EventRecord| match event.phase {
        EventPhase::Offset { end_sample, .. } => Some((hops(event.start_sample), hops(end_sample))),
        EventPhase::Onset { .. } => None,
    };
    events.iter().filter_map(span).collect()
}

#[test]
fn an_event_spans_the_new_audio_of_the_windows_that_made_it() {
    let detections = listen(plain(), &[0.0, 0.0, 0.9, 0.95, 0.7, 0.1, 0.0]);
    assert_eq!(spans(&detections), [(1, 4)]);
    assert_eq!(detections[0].phase, EventPhase::Onset { score: 0.9, verifier_score: None });
    assert!(matches!(detections[1].phase, EventPhase::Offset { peak_score: 0.95, .. }));
    assert_eq!((detections[0].id, detections[1].id, &*detections[0].label), (1, 1, "dog"));
}

#[test]
fn one_window_of_three_is_a_flicker_and_two_are_an_event_that_starts_with_the_first() {
    let settings = || DetectorSettings { confirm_windows: 2, confirm_of: 3, ..plain() };
    assert_eq!(listen(settings(), &[0.0, 0.9, 0.0, 0.0, 0.9, 0.0, 0.0, 0.9]), []);
    let detections = listen(settings(), &[0.0, 0.9, 0.5, 0.8, 0.0, 0.0]);
    assert_eq!(spans(&detections), [(0, 3)]);
    // the first of the two was the louder, and belongs to the event
    assert!(matches!(detections[1].phase, EventPhase::Offset { peak_score: 0.9, .. }));
}

#[test]
fn a_score_between_the_thresholds_holds_an_event_and_begins_none() {
    assert_eq!(spans(&listen(plain(), &[0.0, 0.9, 0.45, 0.5, 0.9, 0.3])), [(0, 4)]);
    assert_eq!(listen(plain(), &[0.0, 0.5, 0.59, 0.5]), []);
}

#[test]
fn a_short_sound_is_reported_with_the_least_length() {
    let settings = || DetectorSettings { min_event: rate().duration_of(4 * HOP), ..plain() };
    let detections = listen(settings(), &[0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(spans(&detections), [(0, 4)]);
    // and one that comes back meanwhile is the same event
    assert_eq!(spans(&listen(settings(), &[0.0, 0.9, 0.0, 0.9, 0.9, 0.9, 0.0, 0.0])), [(0, 5)]);
}

#[test]
fn an_event_longer_than_the_maximum_is_ended_there_and_begins_anew() {
    let settings = DetectorSettings { max_event: rate().duration_of(3 * HOP), ..plain() };
    let detections = listen(settings, &[0.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.0]);
    assert_eq!(spans(&detections), [(0, 3), (3, 6), (6, 7)]);
    assert_eq!(detections.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 1, 2, 2, 3, 3]);
}

#[test]
fn a_maximum_shorter_than_the_first_window_still_holds() {
    let settings = DetectorSettings { max_event: Duration::from_millis(500), ..plain() };
    let detections = listen(settings, &[0.9, 0.0]);
    assert_eq!(detections.len(), 2);
    let EventPhase::Offset { end_sample, .. } = detections[1].phase else {
        panic!("{detections:?}")
    };
    assert_eq!((detections[0].start_sample, end_sample), (SampleIndex(0), SampleIndex(8_000)));
}

#[test]
fn nothing_begins_while_a_label_rests() {
    let settings = DetectorSettings { cooldown: rate().duration_of(3 * HOP), ..plain() };
    let detections = listen(settings, &[0.0, 0.9, 0.0, 0.9, 0.9, 0.9, 0.9, 0.0]);
    // ended at 1: the first window whose new audio starts at 4 or later is number 5
    assert_eq!(spans(&detections), [(0, 1), (4, 6)]);
}

#[test]
fn events_of_two_labels_end_in_the_order_they_began() {
    let mut recogniser = recogniser(plain(), Duration::ZERO);
    let mut records = Vec::new();
    let mut emit = |record: Published| records.push(record.into());
    for (k, scores) in (0..).zip([[0.0, 0.0, 0.9], [0.9, 0.0, 0.9], [0.9, 0.0, 0.9]]) {
        recogniser.push(&nth(k, scores), &mut emit).unwrap();
    }
    recogniser.finish(&mut emit);
    let order: Vec<_> = events(&records).iter().map(|e| (e.id, e.label.to_string())).collect();
    let (bells, dog) = ((1, "church bells".to_owned()), (2, "dog".to_owned()));
    assert_eq!(order, [bells.clone(), dog.clone(), bells, dog]);
}

#[test]
fn a_window_that_brings_no_new_audio_confirms_nothing() {
    let settings = DetectorSettings { confirm_windows: 2, confirm_of: 3, ..plain() };
    let mut recogniser = recogniser(settings, Duration::ZERO);
    let mut records = Vec::new();
    for _ in 0..5 {
        recogniser
            .push(&nth(3, [0.9, 0.0, 0.0]), &mut |record| records.push(record.into()))
            .unwrap();
    }
    assert_eq!(events(&records), []);
}

#[test]
fn a_gap_ends_events_at_the_last_sample_before_it_and_nothing_is_carried_across() {
    let settings = DetectorSettings { confirm_windows: 2, confirm_of: 3, ..plain() };
    let mut recogniser = recogniser(settings, Duration::from_millis(400));
    let mut records = Vec::new();
    let mut emit = |record: Published| records.push(record.into());
    for k in 0..3 {
        recogniser.push(&nth(k, [0.9, 0.0, 0.0]), &mut emit).unwrap();
    }
    let start_sample = SampleIndex(WINDOW + 2 * HOP + 500);
    let time = Timestamp::UNIX_EPOCH;
    recogniser.gap(
        Gap { start_sample, sample_rate: rate(), samples: 4_800, cause: GapCause::Overrun, time },
        &mut emit,
    );
    let after = start_sample.0 + 4_800 + WINDOW;
    recogniser.push(&window(after, [0.9, 0.3, 0.0]), &mut emit).unwrap();
    recogniser.finish(&mut emit);

    assert_eq!(spans(&events(&records)), [(-12, 2)], "one window after the gap confirms nothing");
    let [.., Record::Event(offset), Record::Gap(gap), Record::Window(fresh)] = &records[..] else {
        panic!("{records:?}")
    };
    assert!(matches!(offset.phase, EventPhase::Offset { .. }));
    assert_eq!((gap.start_sample, gap.samples, &*gap.source), (start_sample, 4_800, "mic"));
    assert_eq!(
        fresh.scores[1].score, 0.3,
        "the first window after a gap is not smoothed with those before"
    );
}

#[test]
fn a_new_segment_ends_events_even_if_nobody_reported_the_gap() {
    let mut recogniser = recogniser(plain(), Duration::ZERO);
    let mut records = Vec::new();
    recogniser.push(&nth(0, [0.9, 0.0, 0.0]), &mut |record| records.push(record.into())).unwrap();
    let broken = MelWindow { segment: 1, ..nth(40, [0.9, 0.0, 0.0]) };
    recogniser.push(&broken, &mut |record| records.push(record.into())).unwrap();
    let detections = events(&records);
    assert_eq!(spans(&detections), [(-12, 0)]);
    assert_eq!(detections[2].start_sample, broken.start_sample);
}

#[test]
fn digital_silence_never_fires_whatever_the_network_says_of_it() {
    let mut recogniser = recogniser(plain(), Duration::ZERO);
    let mut records = Vec::new();
    for k in 0..50 {
        let silence = MelWindow { level_dbfs: -120.0, ..nth(k, [0.99, 0.98, 0.97]) };
        recogniser.push(&silence, &mut |record| records.push(record.into())).unwrap();
    }
    assert_eq!(events(&records), []);
    let Record::Window(shown) = &records[0] else { panic!("{records:?}") };
    assert!(shown.scores.iter().all(|label| label.score == 0.0), "{shown:?}");
}

#[test]
fn a_denied_label_is_shown_but_is_no_event_and_deny_wins_over_allow() {
    let lists = |allow: &[&str], deny: &[&str]| DetectorSettings {
        allow: allow.iter().map(ToString::to_string).collect(),
        deny: deny.iter().map(ToString::to_string).collect(),
        ..plain()
    };
    for (allow, deny, expected) in [
        (&[][..], &["dog"][..], vec!["rain", "church bells"]),
        (&["rain"], &[], vec!["rain"]),
        (&["rain", "dog"], &["dog"], vec!["rain"]),
    ] {
        let mut recogniser = recogniser(lists(allow, deny), Duration::ZERO);
        let mut records = Vec::new();
        recogniser
            .push(&nth(0, [0.9, 0.8, 0.7]), &mut |record| records.push(record.into()))
            .unwrap();
        let detections: Vec<_> =
            events(&records).iter().map(|event| event.label.to_string()).collect();
        assert_eq!(detections, expected, "allow {allow:?} deny {deny:?}");
        assert!(matches!(&records[0], Record::Window(shown) if &*shown.scores[0].label == "dog"));
    }
}

#[test]
fn a_window_record_lists_the_best_labels_first_and_equals_in_label_order() {
    let mut rules_of_two = RecognitionRules {
        smoothing: Duration::ZERO,
        detector: DetectorSpec::new(&model(), plain()).unwrap(),
        denied_labels: Vec::new(),
        top_labels: 2,
    };
    let mut shown: Vec<Vec<(String, f32)>> = Vec::new();
    for top in [2, 99] {
        rules_of_two.top_labels = top;
        let mut recogniser =
            Recogniser::new(Box::new(Echo(model().labels)), rules_of_two.clone(), "mic", rate())
                .unwrap();
        let mut emit = |published: Published| match published.record {
            Record::Window(window) => {
                shown.push(window.scores.iter().map(|s| (s.label.to_string(), s.score)).collect());
            }
            other => panic!("{other:?}"),
        };
        recogniser.push(&nth(0, [0.2, 0.1, 0.2]), &mut emit).unwrap();
    }
    let all: Vec<(String, f32)> =
        vec![("dog".into(), 0.2), ("church bells".into(), 0.2), ("rain".into(), 0.1)];
    assert_eq!(shown, [all[..2].to_vec(), all]);
}

#[test]
fn wall_times_count_back_from_the_arrival_that_decided() {
    let settings = DetectorSettings { confirm_windows: 2, confirm_of: 2, ..plain() };
    let mut recogniser = recogniser(settings, Duration::ZERO);
    let mut records = Vec::new();
    let clock = "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap();
    for (k, dog) in (0..).zip([0.0, 0.9, 0.9, 0.0]) {
        // the sound card's clock runs a thousandth slow
        let time = clock + Duration::from_nanos(80_080_000) * k;
        let window = MelWindow { time, ..nth(u64::from(k), [dog, 0.0, 0.0]) };
        recogniser.push(&window, &mut |record| records.push(record.into())).unwrap();
    }
    let times: Vec<_> = events(&records).iter().map(|event| event.time.to_string()).collect();
    // decided at 160.16 ms, 160 ms after its start; at 240.24 ms, 80 ms after its end
    assert_eq!(times, ["2026-03-01T12:00:00.00016Z", "2026-03-01T12:00:00.16024Z"]);
}

#[test]
fn a_score_that_is_not_a_number_is_refused_by_name_and_open_events_still_end() {
    for bad in [f32::NAN, f32::INFINITY, 1.4, -0.2] {
        let mut recogniser = recogniser(plain(), Duration::ZERO);
        let mut records = Vec::new();
        recogniser
            .push(&nth(0, [0.9, 0.0, 0.0]), &mut |record| records.push(record.into()))
            .unwrap();
        let error = recogniser
            .push(&nth(1, [0.9, bad, 0.0]), &mut |record| records.push(record.into()))
            .unwrap_err();
        let message = error.0.to_string();
        assert!(message.contains("\"rain\"") && message.contains("17280"), "{message}");
        recogniser.finish(&mut |record| records.push(record.into()));
        assert_eq!(spans(&events(&records)), [(-12, 0)], "the bad window was not scored");
    }
}

#[test]
fn a_scorer_with_other_outputs_than_labels_is_refused() {
    let mut recogniser = recogniser(plain(), Duration::ZERO);
    let mut short = nth(0, [0.9, 0.0, 0.0]);
    short.values.pop();
    let error = recogniser.push(&short, &mut |_| {}).unwrap_err();
    assert!(error.0.to_string().contains("gave 2 scores"), "{}", error.0);

    let detector = DetectorSpec::new(&model(), plain()).unwrap();
    let others = LabelSet::new(&["dog", "drizzle", "church bells"]).unwrap();
    let rules = RecognitionRules {
        smoothing: Duration::ZERO,
        detector,
        denied_labels: Vec::new(),
        top_labels: 5,
    };
    let error = Recogniser::new(Box::new(Echo(others)), rules, "mic", rate()).err().unwrap();
    assert!(error.to_string().contains("label 1 is \"rain\""), "{error}");
}

#[test]
fn ids_go_on_when_the_source_comes_back_at_another_rate() {
    let mut recogniser = recogniser(plain(), Duration::ZERO);
    let mut records = Vec::new();
    recogniser.push(&nth(90, [0.9, 0.0, 0.0]), &mut |record| records.push(record.into())).unwrap();
    let slower = SampleRate::new(8_000).unwrap();
    recogniser.set_sample_rate(slower, &mut |record| records.push(record.into()));
    recogniser.push(&nth(0, [0.9, 0.0, 0.0]), &mut |record| records.push(record.into())).unwrap();
    let ids: Vec<_> = events(&records).iter().map(|event| event.id).collect();
    assert_eq!(ids, [1, 1, 2]);
}

#[test]
fn an_event_during_which_the_clock_is_set_back_ends_as_long_after_its_beginning_as_it_lasted() {
    let mut recogniser = recogniser(plain(), Duration::ZERO);
    let mut records: Vec<Record> = Vec::new();
    for k in 0..20 {
        let mut window = nth(k, [if k < 15 { 0.9 } else { 0.0 }, 0.0, 0.0]);
        if k >= 8 {
            window.time -= Duration::from_secs(3600);
        }
        recogniser.push(&window, &mut |record| records.push(record.into())).unwrap();
    }
    let [onset, offset] = &events(&records)[..] else { panic!("{records:?}") };
    let EventPhase::Offset { end_sample, .. } = offset.phase else { panic!("{offset:?}") };
    let lasted = rate().duration_of(end_sample.since(onset.start_sample));
    assert_eq!(offset.time, onset.time + lasted);
}
