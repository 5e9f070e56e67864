//! What passes through the daemon and what is lost on the way: exact counts, gaps in their places, slow scorers, broken
//! samples.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tympan::domain::{GapCause, LabelSet, MelWindow, Overflow, Record, SampleIndex, Scores, State};
use tympan::live::{Outcome, StageTimes, WARM_UP_WINDOWS};
use tympan::recognition::{Scorer, ScorerError};

use super::fakes::{Behaviour, Collected, End, Loudness, ScriptedSource, Step, script, script_of};
use super::{
    HOP, PipelineSpec, Running, WINDOW, assert_events_pair_up, daemon, events, featuriser, noise,
    play, quiet, rate, spec, states, story, wait_until, windows,
};

#[test]
fn a_recording_gives_every_window_once_in_order_between_its_two_statuses() {
    let samples = 80_000;
    let (outcome, records, counters) =
        play(script_of(noise(samples), End::Ended), Loudness::well(), spec(Overflow::Block));
    assert_eq!(outcome.unwrap(), Outcome::SourceEnded);
    let expected = (samples as u64 - WINDOW) / HOP + 1;
    let ends: Vec<u64> = windows(&records).iter().map(|window| window.end_sample.0).collect();
    assert_eq!(ends, (0..expected).map(|k| WINDOW + k * HOP).collect::<Vec<u64>>());
    assert_eq!(counters.input.windows_scored.get(), expected);
    assert_eq!(counters.input.samples_captured.get(), samples as u64);
    assert_eq!(story(&records), ["listening", "onset", "offset", "stopping"]);
    let Record::Status(first) = &records[0] else { panic!("{:?}", records[0]) };
    assert_eq!(first.detail, "a script, model loudness");
    assert_eq!((&*first.source, first.sample_rate_hz), ("script", rate(16_000)));
    assert!(matches!(records.last(), Some(Record::Status(last)) if last.state == State::Stopping));
}

#[test]
fn every_window_shows_when_it_passed_each_stage_and_its_latency_is_the_whole_way() {
    let seen: Arc<Mutex<Vec<(u64, StageTimes)>>> = Arc::default();
    let watched = Arc::clone(&seen);
    let collected = Collected::default();
    let mut daemon = daemon(
        script_of(noise(32_000), End::Ended),
        Loudness::new(Behaviour::Slow(Duration::from_millis(2))),
        vec![collected.sink("log")],
        spec(Overflow::Block),
    );
    daemon.on_window = Some(Box::new(move |window, times| {
        watched.lock().unwrap().push((window.latency_us, times));
    }));
    Running::start(daemon).outcome().unwrap();
    let seen = seen.lock().unwrap();
    let records = collected.records();
    let latencies: Vec<u64> = windows(&records).iter().map(|window| window.latency_us).collect();
    assert_eq!(latencies, seen.iter().map(|(latency, _)| *latency).collect::<Vec<_>>());
    assert_eq!(latencies.len() as u64, (32_000 - WINDOW) / HOP + 1);
    for (latency, times) in &*seen {
        assert!(times.arrival <= times.featured && times.featured <= times.scored, "{times:?}");
        assert!(times.scored - times.featured >= Duration::from_millis(2), "{times:?}");
        let whole_way = times.scored - times.arrival;
        assert_eq!(u128::from(*latency), whole_way.as_micros());
    }
}

#[test]
fn a_gap_stands_between_the_windows_around_it_and_ends_what_was_open() {
    let second = 16_000;
    let script = script(
        [Step::Play(noise(second)), Step::DriverGap(4_800), Step::Play(noise(second))],
        End::Ended,
    );
    let scorer = Loudness::well();
    let scored = scorer.scored();
    let (_, records, _) = play(script, scorer, spec(Overflow::Block));
    assert_eq!(
        story(&records),
        ["listening", "onset", "offset", "gap", "onset", "offset", "stopping"]
    );
    let place = records.iter().position(|record| matches!(record, Record::Gap(_))).unwrap();
    let Record::Gap(gap) = &records[place] else { unreachable!() };
    assert_eq!((gap.start_sample, gap.samples), (SampleIndex(16_000), 4_800));
    assert_eq!(gap.cause, GapCause::DriverOverrun);
    let (before, after) = records.split_at(place);
    assert!(windows(before).iter().all(|window| window.end_sample.0 <= 16_000));
    assert!(windows(after).iter().all(|window| window.start_sample.0 >= 20_800));
    assert_eq!(windows(after)[0].start_sample, SampleIndex(20_800));
    assert_eq!(windows(before).len(), windows(after).len());
    let scored = scored.lock().unwrap();
    let segments: Vec<u64> = scored.iter().map(|window| window.segment).collect();
    assert!(segments.contains(&0) && segments.contains(&1), "{segments:?}");
}

#[test]
fn live_a_scorer_that_is_too_slow_skips_counted_windows_and_loses_no_event() {
    let on_and_off: Vec<f32> =
        (0..20).flat_map(|_| [noise(16_000), quiet(16_000)].concat()).collect();
    let samples = on_and_off.len() as u64;
    let collected = Collected::default();
    let running = Running::start(daemon(
        script_of(on_and_off, End::Stays),
        Loudness::new(Behaviour::Slow(Duration::from_millis(10))),
        vec![collected.sink("log")],
        spec(Overflow::DropNewest),
    ));
    let total = (samples - WINDOW) / HOP + 1;
    let counted = || {
        running.counters.input.windows_scored.get() + running.counters.input.windows_skipped.get()
    };
    wait_until("all windows to be scored or skipped", || counted() == total);
    wait_until("word of the overload", || {
        states(&collected.records()).contains(&State::Overloaded)
    });
    running.stop();
    assert_eq!(running.outcome().unwrap(), Outcome::Stopped);
    let records = collected.records();
    assert!(running.counters.input.windows_skipped.get() > 0, "the scorer was fast enough");
    assert_eq!(windows(&records).len() as u64, running.counters.input.windows_scored.get());
    assert_eq!(running.counters.outputs.events_dropped.get(), 0);
    assert!(!events(&records).is_empty());
    assert_events_pair_up(&records);
}

#[test]
fn offline_a_slow_scorer_and_a_small_ring_lose_nothing() {
    let samples = 160_000;
    let scorer = Loudness::new(Behaviour::Slow(Duration::from_millis(2)));
    let collected = Collected::default();
    let script = script_of(noise(samples), End::Ended);
    let mut daemon = daemon(script, scorer, vec![collected.sink("log")], spec(Overflow::Block));
    daemon.inputs[0].ring = Duration::from_millis(100);
    let running = Running::start(daemon);
    assert_eq!(running.outcome().unwrap(), Outcome::SourceEnded);
    let (records, counters) = (collected.records(), running.counters);
    assert_eq!(windows(&records).len() as u64, (samples as u64 - WINDOW) / HOP + 1);
    assert_eq!(counters.input.windows_skipped.get() + counters.input.samples_dropped.get(), 0);
    assert_eq!(counters.outputs.records_dropped.get() + counters.outputs.events_dropped.get(), 0);
    assert_eq!(story(&records), ["listening", "onset", "offset", "stopping"]);
}

#[test]
fn broken_samples_count_as_zero_and_are_counted() {
    let mut samples = noise(32_000);
    samples[8_000] = f32::NAN;
    samples[8_001] = f32::INFINITY;
    samples[30_000] = -1e30;
    let (outcome, records, counters) =
        play(script_of(samples, End::Ended), Loudness::well(), spec(Overflow::Block));
    assert_eq!(outcome.unwrap(), Outcome::SourceEnded);
    assert_eq!(counters.input.samples_repaired.get(), 3);
    assert!(windows(&records).iter().all(|window| (-30.0..-15.0).contains(&window.level_dbfs)));
}

#[test]
fn a_source_shorter_than_one_window_is_never_scored_on_padding() {
    let (outcome, records, counters) = play(
        script_of(noise(WINDOW as usize - 1), End::Ended),
        Loudness::well(),
        spec(Overflow::Block),
    );
    assert_eq!(outcome.unwrap(), Outcome::SourceEnded);
    assert_eq!(story(&records), ["listening", "stopping"]);
    assert_eq!((windows(&records).len(), counters.input.windows_scored.get()), (0, 0));
}

#[test]
fn the_scorer_is_warm_before_the_source_is_started_and_no_record_comes_of_it() {
    let scorer = Loudness::well();
    let scored = scorer.scored();
    let before_start = Arc::new(Mutex::new(0));
    let (count, noted) = (Arc::clone(&scored), Arc::clone(&before_start));
    let mut script = script_of(noise(WINDOW as usize), End::Ended);
    script.on_start = Box::new(move || *noted.lock().unwrap() = count.lock().unwrap().len());
    let (_, records, _) = play(script, scorer, spec(Overflow::Block));
    assert_eq!(*before_start.lock().unwrap() as u64, WARM_UP_WINDOWS);
    assert_eq!(windows(&records).len(), 1);
    let scored = scored.lock().unwrap();
    let (warm_up, real) = scored.split_at(WARM_UP_WINDOWS as usize);
    assert_eq!((real[0].segment, real[0].start_frame), (0, 0));
    assert!(
        warm_up.iter().all(|window| window.segment > u64::MAX / 2),
        "a real segment: {warm_up:?}"
    );
    let hop_frames = featuriser().window.hop_frames as u64;
    assert!(warm_up.iter().any(|window| window.start_frame == hop_frames), "{warm_up:?}");
    for together in [1, 4] {
        assert!(warm_up.iter().any(|window| window.together == together), "{together}");
    }
}

#[test]
fn live_exact_zeros_are_reported_as_silence_and_offline_they_are_a_part_of_the_recording() {
    let zeros = || script_of([noise(16_000), vec![0.0; 16_000]].concat(), End::Stays);
    let patient =
        |overflow| PipelineSpec { silent_after: Duration::from_millis(900), ..spec(overflow) };
    let collected = Collected::default();
    let sinks = vec![collected.sink("log")];
    let live = daemon(zeros(), Loudness::well(), sinks, patient(Overflow::DropNewest));
    let running = Running::start(live);
    wait_until("the silence", || states(&collected.records()).contains(&State::Silent));
    running.stop();
    running.outcome().unwrap();
    let Some(Record::Status(silent)) = collected
        .records()
        .into_iter()
        .find(|record| matches!(record, Record::Status(status) if status.state == State::Silent))
    else {
        panic!("no silence")
    };
    assert!(silent.detail.contains("muted (alsamixer"), "{}", silent.detail);

    let script = ScriptedSource { end: End::Ended, ..zeros() };
    let (_, records, _) = play(script, Loudness::well(), patient(Overflow::Block));
    assert_eq!(states(&records), [State::Listening, State::Stopping]);
}

/// Remembers how many windows it was given at a time.
struct Batches(Loudness, Arc<Mutex<Vec<usize>>>);

impl Scorer for Batches {
    fn labels(&self) -> &LabelSet {
        self.0.labels()
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        self.1.lock().unwrap().push(windows.len());
        self.0.score_into(windows, scores)
    }
}

#[test]
fn windows_that_wait_are_scored_together_and_give_the_same_records() {
    let samples = 80_000;
    let scores = |behaviour: Behaviour| {
        let batches = Arc::new(Mutex::new(Vec::new()));
        let scorer = Batches(Loudness::new(behaviour), Arc::clone(&batches));
        let collected = Collected::default();
        let mut daemon = daemon(
            script_of(noise(samples), End::Ended),
            Loudness::well(),
            vec![collected.sink("log")],
            spec(Overflow::Block),
        );
        daemon.scorer = Box::new(scorer);
        assert_eq!(Running::start(daemon).outcome().unwrap(), Outcome::SourceEnded);
        let places: Vec<_> = windows(&collected.records())
            .iter()
            .map(|it| (it.start_sample, it.end_sample, it.scores.clone()))
            .collect();
        let most = batches.lock().unwrap().iter().copied().max().unwrap_or(0);
        (places, most)
    };
    let (slow, together) = scores(Behaviour::Slow(Duration::from_millis(5)));
    assert!((2..=4).contains(&together), "{together} at a time");
    assert_eq!(slow.len() as u64, (samples as u64 - WINDOW) / HOP + 1);
    assert_eq!(slow, scores(Behaviour::Normal).0);
}
