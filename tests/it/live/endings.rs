//! How a daemon ends: asked to, at the end of its source, because something failed, or although something blocks. However
//! it ends, events that began end and `stopping` is the last record.

use std::time::Duration;

use crossbeam_channel::bounded;
use tympan::domain::{EventPhase, Overflow, SampleIndex};
use tympan::live::{LiveError, Outcome};
use tympan::sinks::SinkError;
use tympan::sources::SourceError;

use super::fakes::{Behaviour, Collected, End, FailingSink, Loudness, Scored, script_of};
use super::{
    HOP, Running, assert_events_pair_up, daemon, events, noise, play, spec, story, wait_until,
    windows,
};

/// So much that it cannot be through before something ends it.
fn endless() -> Vec<f32> {
    noise(16_000 * 600)
}

#[test]
fn a_stop_ends_open_events_and_stopping_is_the_last_record_of_every_sink() {
    let (one, two) = (Collected::default(), Collected::default());
    let running = Running::start(daemon(
        script_of(noise(16_000), End::Stays),
        Loudness::well(),
        vec![one.sink("one"), two.sink("two")],
        spec(Overflow::DropNewest),
    ));
    // the script plays faster than life, so some of its ten windows may be skipped
    wait_until("ten windows", || {
        running.counters.input.windows_scored.get() + running.counters.input.windows_skipped.get()
            == 10
    });
    wait_until("the onset", || story(&one.records()) == ["listening", "onset"]);
    running.stop();
    assert_eq!(running.outcome().unwrap(), Outcome::Stopped);
    for collected in [one, two] {
        let records = collected.records();
        assert_eq!(story(&records), ["listening", "onset", "offset", "stopping"]);
        let EventPhase::Offset { end_sample, .. } = events(&records)[1].phase else {
            panic!("{records:?}")
        };
        assert_eq!(end_sample, windows(&records).last().unwrap().end_sample);
    }
}

#[test]
fn a_stop_during_a_long_file_does_not_wait_for_its_end() {
    let collected = Collected::default();
    let running = Running::start(daemon(
        script_of(endless(), End::Ended),
        Loudness::new(Behaviour::Slow(Duration::from_millis(20))),
        vec![collected.sink("log")],
        spec(Overflow::Block),
    ));
    wait_until("a window", || !windows(&collected.records()).is_empty());
    running.stop();
    assert_eq!(running.outcome().unwrap(), Outcome::Stopped);
    let records = collected.records();
    assert_eq!(story(&records), ["listening", "onset", "offset", "stopping"]);
    assert!(windows(&records).len() < 1_000, "it went on to the end");
    let counters = &running.counters;
    assert_eq!(windows(&records).len() as u64, counters.input.windows_scored.get());
    assert!(
        counters.input.samples_dropped.get() + counters.input.windows_skipped.get() > 0,
        "uncounted"
    );
}

#[test]
fn a_lost_device_is_reported_its_events_end_and_it_is_an_error() {
    let (outcome, records, _) =
        play(script_of(noise(16_000), End::Lost), Loudness::well(), spec(Overflow::DropNewest));
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, LiveError::SourceLost { name, source: SourceError::DeviceLost { .. } } if name == "script"),
        "{error:?}"
    );
    let kinds = story(&records);
    assert!(kinds.contains(&"lost"), "{kinds:?}");
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("listening", "stopping"));
    assert_eq!(events(&records).len(), 2);
    assert_events_pair_up(&records);
}

#[test]
fn a_source_that_does_not_start_is_an_error_and_no_status_says_listening() {
    let script = script_of(noise(16_000), End::NeverStarts);
    let (outcome, records, _) = play(script, Loudness::well(), spec(Overflow::DropNewest));
    assert!(matches!(outcome, Err(LiveError::SourceStart(SourceError::DeviceLost { .. }))));
    assert_eq!(story(&records), ["stopping"]);
}

#[test]
fn a_scorer_that_fails_ends_the_daemon_with_its_words_after_open_events_have_ended() {
    for overflow in [Overflow::DropNewest, Overflow::Block] {
        let scorer = Loudness::new(Behaviour::FailsAt(3));
        let (outcome, records, _) = play(script_of(endless(), End::Ended), scorer, spec(overflow));
        let Err(LiveError::Scorer(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.0.to_string(), "the weights have evaporated");
        assert_eq!(story(&records), ["listening", "onset", "offset", "stopping"]);
        assert_eq!(windows(&records).len(), 3);
    }
}

#[test]
fn a_stage_that_panics_is_named() {
    let scorer = Loudness::new(Behaviour::PanicsAt(2));
    let (outcome, records, _) =
        play(script_of(endless(), End::Ended), scorer, spec(Overflow::Block));
    assert!(
        matches!(outcome, Err(LiveError::StagePanicked { thread: "tympan-classify" })),
        "{outcome:?}"
    );
    assert_eq!(story(&records).last(), Some(&"stopping"));
}

#[test]
fn a_scorer_that_hangs_is_left_behind_when_a_stop_is_asked_for() {
    let (release, released) = bounded(0);
    let collected = Collected::default();
    let scorer = Loudness::new(Behaviour::HangsAt(20, released));
    let scored = scorer.scored();
    let running = Running::start(daemon(
        script_of(noise(160_000), End::Stays),
        scorer,
        vec![collected.sink("log")],
        // a window that is skipped could be the last one to hang at
        spec(Overflow::Block),
    ));
    let hangs = |place: &Scored| place.segment == 0 && place.start_sample.0 >= 20 * HOP;
    wait_until("the scorer to hang", || scored.lock().unwrap().iter().any(hangs));
    running.stop();
    let outcome = running.outcome();
    assert!(matches!(outcome, Err(LiveError::StageHangs { .. })), "{outcome:?}");
    assert_eq!(story(&collected.records()).last(), Some(&"stopping"));
    drop(release);
}

#[test]
fn labels_that_do_not_fit_the_detector_are_refused_before_the_source_is_started() {
    struct Other(tympan::domain::LabelSet);
    impl tympan::recognition::Scorer for Other {
        fn labels(&self) -> &tympan::domain::LabelSet {
            &self.0
        }
        fn score_into(
            &mut self,
            _: &[tympan::domain::MelWindow],
            _: &mut [tympan::domain::Scores],
        ) -> Result<(), tympan::recognition::ScorerError> {
            Ok(())
        }
    }
    let other = Other(tympan::domain::LabelSet::new(&["dog", "quiet"]).unwrap());
    let mut script = script_of(noise(16_000), End::Ended);
    script.on_start = Box::new(|| panic!("it was started"));
    let (outcome, _, _) = play(script, other, spec(Overflow::DropNewest));
    assert!(matches!(outcome, Err(LiveError::Recognition(_))), "{outcome:?}");
}

#[test]
fn a_reader_that_is_gone_ends_the_daemon_well_and_the_other_sinks_get_everything() {
    for overflow in [Overflow::DropNewest, Overflow::Block] {
        let collected = Collected::default();
        let head = FailingSink { good: 3, error: || SinkError::Closed };
        let script = script_of(endless(), End::Stays);
        let sinks = vec![Box::new(head), collected.sink("log")];
        let running = Running::start(daemon(script, Loudness::well(), sinks, spec(overflow)));
        assert_eq!(running.outcome().unwrap(), Outcome::OutputClosed);
        assert_eq!(story(&collected.records()), ["listening", "onset", "offset", "stopping"]);
    }
}

#[test]
fn offline_a_sink_that_fails_is_an_error_that_names_it() {
    let full = || SinkError::Write {
        to: "stdout".to_owned(),
        source: std::io::ErrorKind::StorageFull.into(),
    };
    let script = script_of(noise(16_000), End::Ended);
    let sinks: Vec<Box<dyn tympan::sinks::Sink>> =
        vec![Box::new(FailingSink { good: 2, error: full })];
    let running = Running::start(daemon(script, Loudness::well(), sinks, spec(Overflow::Block)));
    let outcome = running.outcome();
    assert!(
        matches!(&outcome, Err(LiveError::Sink { sink, .. }) if sink == "stdout"),
        "{outcome:?}"
    );
}

#[test]
fn a_sink_that_blocks_for_ever_holds_up_neither_the_others_nor_a_stop() {
    for overflow in [Overflow::DropNewest, Overflow::Block] {
        let (free, stuck) = (Collected::default(), Collected::default());
        let (blocked, open) = stuck.blocked_sink("stdout");
        let running = Running::start(daemon(
            script_of(endless(), End::Stays),
            Loudness::well(),
            vec![blocked, free.sink("log")],
            spec(overflow),
        ));
        wait_until("a window", || !windows(&free.records()).is_empty());
        running.stop();
        assert_eq!(running.outcome().unwrap(), Outcome::Stopped);
        assert_eq!(story(&free.records()), ["listening", "onset", "offset", "stopping"]);
        let counters = &running.counters;
        assert!(
            counters.outputs.events_dropped.get() > 0,
            "what the blocked sink never got is counted"
        );
        drop(open);
    }
}

#[test]
fn offline_a_slow_reader_is_waited_for_to_the_end() {
    let (free, slow) = (Collected::default(), Collected::default());
    let (blocked, open) = slow.blocked_sink("stdout");
    let running = Running::start(daemon(
        script_of(noise(16_000 * 60), End::Ended),
        Loudness::well(),
        vec![blocked, free.sink("log")],
        spec(Overflow::Block),
    ));
    // 745 windows, and room for 256 before the blocked sink: the others wait behind it
    wait_until("the queue to fill", || windows(&free.records()).len() >= 256);
    drop(open);
    assert_eq!(running.outcome().unwrap(), Outcome::SourceEnded);
    let (free, slow) = (free.records(), slow.records());
    assert_eq!(windows(&free).len(), windows(&slow).len());
    assert_eq!(story(&slow), ["listening", "onset", "offset", "stopping"]);
    assert_eq!(windows(&slow).last().unwrap().start_sample, SampleIndex(746 * 1_280));
}

#[test]
fn a_stop_while_the_scorer_warms_up_starts_nothing() {
    let mut script = script_of(noise(16_000), End::Stays);
    script.on_start = Box::new(|| panic!("it was started"));
    let collected = Collected::default();
    let daemon = daemon(script, SlowStart, vec![collected.sink("log")], spec(Overflow::DropNewest));
    let running = Running::start(daemon);
    running.stop();
    assert_eq!(running.outcome().unwrap(), Outcome::Stopped);
    assert_eq!(story(&collected.records()), ["stopping"]);
}

/// Takes a second for its warm-up.
struct SlowStart;

impl tympan::recognition::Scorer for SlowStart {
    fn labels(&self) -> &tympan::domain::LabelSet {
        static LABELS: std::sync::OnceLock<tympan::domain::LabelSet> = std::sync::OnceLock::new();
        LABELS.get_or_init(super::labels)
    }

    fn score_into(
        &mut self,
        _: &[tympan::domain::MelWindow],
        _: &mut [tympan::domain::Scores],
    ) -> Result<(), tympan::recognition::ScorerError> {
        std::thread::sleep(Duration::from_millis(50));
        Ok(())
    }
}
