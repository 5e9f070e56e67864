//! A source that is lost comes back: reported, marked as a gap, at whatever rate, and events never span it.

use std::sync::{Arc, Mutex};

use tympan::domain::{Counter, GapCause, GapRecord, Overflow, Record, State};
use tympan::live::{LiveError, Outcome, Reopen};
use tympan::sources::{Source, SourceError, UnavailableSource};

use super::fakes::{Collected, End, Loudness, ScriptedSource, script_of};
use super::{
    Counts, HOP, PATIENCE, Running, WINDOW, daemon, noise, rate, spec, states, story, wait_until,
    windows,
};

/// How a source comes back, attempt by attempt.
fn attempts(turns: Vec<Result<ScriptedSource, SourceError>>) -> (Reopen, Arc<Counter>) {
    let turns = Mutex::new(turns.into_iter());
    let made = Arc::new(Counter::default());
    let count = Arc::clone(&made);
    let reopen: Reopen = Arc::new(move || {
        count.add(1);
        let turn = turns.lock().unwrap().next();
        let script = turn.unwrap_or_else(|| Err(absent()))?;
        Ok(Box::new(script) as Box<dyn Source>)
    });
    (reopen, made)
}

fn absent() -> SourceError {
    SourceError::DeviceLost { device: "script".into(), reason: "not there".into() }
}

struct Story {
    outcome: Result<Outcome, LiveError>,
    records: Vec<Record>,
    counters: Counts,
}

fn run(first: ScriptedSource, reopen: Reopen) -> Story {
    let collected = Collected::default();
    let mut daemon =
        daemon(first, Loudness::well(), vec![collected.sink("log")], spec(Overflow::Block));
    daemon.inputs[0].reopen = Some(reopen);
    let running = Running::start(daemon);
    let outcome = running.outcome();
    Story { outcome, records: collected.records(), counters: running.counters }
}

fn gaps(records: &[Record]) -> Vec<&GapRecord> {
    let records = records.iter();
    records
        .filter_map(|record| match record {
            Record::Gap(gap) => Some(gap),
            _ => None,
        })
        .collect()
}

/// Without the states, whose order beside the others is open.
fn events_and_gaps(records: &[Record]) -> Vec<&'static str> {
    let of_audio = |kind: &&str| ["onset", "offset", "gap"].contains(kind);
    story(records).into_iter().filter(of_audio).collect()
}

#[test]
fn when_too_many_lost_streams_hang_a_fresh_process_is_left_to_go_on() {
    let (reopen, made) = attempts(vec![]);
    let mut daemon = daemon(
        script_of(noise(16_000), End::Lost),
        Loudness::well(),
        Vec::new(),
        spec(Overflow::Block),
    );
    daemon.inputs[0].reopen = Some(reopen);
    daemon.inputs[0].counters.streams_left_behind.add(32);
    let outcome = Running::start(daemon).outcome();
    assert!(matches!(outcome, Err(LiveError::SourceLost { .. })), "{outcome:?}");
    assert_eq!(made.get(), 0);
}

#[test]
fn a_source_that_comes_back_at_another_rate_is_captured_after_one_gap() {
    let slower = ScriptedSource { rate: rate(8_000), ..script_of(noise(24_000), End::Ended) };
    let (reopen, made) = attempts(vec![Err(absent()), Err(absent()), Ok(slower)]);
    let Story { outcome, records, counters } = run(script_of(noise(48_000), End::Lost), reopen);
    assert_eq!(outcome.unwrap(), Outcome::SourceEnded);
    assert_eq!(made.get(), 3);
    assert_eq!(
        states(&records)[..3],
        [State::Listening, State::Lost, State::Recovering],
        "{records:#?}"
    );
    let gaps = gaps(&records);
    assert_eq!((gaps.len(), gaps[0].cause), (1, GapCause::DeviceLost));
    // three seconds had been captured: at the new rate that is sample 24,000
    assert_eq!(gaps[0].start_sample.0, 24_000);
    assert!(gaps[0].samples > 8_000 / 5, "{} samples in two pauses and more", gaps[0].samples);
    let place = |wanted: &dyn Fn(&Record) -> bool| records.iter().position(wanted).unwrap();
    let recovering = place(
        &|record| matches!(record, Record::Status(status) if status.state == State::Recovering),
    );
    let gap = place(&|record| matches!(record, Record::Gap(_)));
    assert!(recovering < gap, "the rate that a gap counts at is reported before it");
    let Record::Status(status) = &records[recovering] else { unreachable!() };
    assert_eq!(status.sample_rate_hz, rate(8_000));
    let resumed = gaps[0].start_sample.0 + gaps[0].samples;
    let (before, after) = records.split_at(gap);
    assert!(windows(before).iter().all(|window| window.end_sample.0 <= 48_000));
    let after = windows(after);
    assert_eq!(after[0].start_sample.0, resumed, "the first window is all real audio");
    // half as many samples as at 16 kHz
    let (window, hop) = (WINDOW / 2, HOP / 2);
    let last = after.last().unwrap().end_sample.0 - resumed;
    assert_eq!(last, window + (24_000 - window) / hop * hop);
    assert_eq!(counters.input.samples_captured.get(), 48_000 + 24_000);
    assert_eq!(counters.input.samples_dropped.get(), 0);
}

#[test]
fn what_was_on_when_the_source_was_lost_ends_before_the_gap_and_begins_anew_after_it() {
    let again = script_of(noise(32_000), End::Ended);
    let (reopen, _) = attempts(vec![Ok(again)]);
    let Story { records, .. } = run(script_of(noise(48_000), End::Lost), reopen);
    assert_eq!(events_and_gaps(&records), ["onset", "offset", "gap", "onset", "offset"]);
}

#[test]
fn a_source_that_is_lost_again_before_its_first_sample_leaves_one_gap() {
    let still_born = script_of(Vec::new(), End::Lost);
    let never_starts = script_of(Vec::new(), End::NeverStarts);
    let again = script_of(noise(32_000), End::Ended);
    let (reopen, made) = attempts(vec![Ok(still_born), Ok(never_starts), Ok(again)]);
    let Story { outcome, records, .. } = run(script_of(noise(48_000), End::Lost), reopen);
    assert_eq!(outcome.unwrap(), Outcome::SourceEnded);
    assert_eq!((made.get(), gaps(&records).len()), (3, 1));
    assert_eq!(gaps(&records)[0].start_sample.0, 48_000);
}

#[test]
fn a_source_that_is_absent_at_the_start_is_reported_as_lost_and_captured_once_it_is_there() {
    let (reopen, _) = attempts(vec![Err(absent()), Ok(script_of(noise(32_000), End::Ended))]);
    let collected = Collected::default();
    let unavailable = UnavailableSource::new("mic", rate(48_000), absent());
    let mut daemon =
        daemon(unavailable, Loudness::well(), vec![collected.sink("log")], spec(Overflow::Block));
    daemon.inputs[0].reopen = Some(reopen);
    assert_eq!(Running::start(daemon).outcome().unwrap(), Outcome::SourceEnded);
    let records = collected.records();
    assert_eq!(states(&records)[..2], [State::Lost, State::Recovering], "{records:#?}");
    let gaps = gaps(&records);
    assert_eq!((gaps.len(), gaps[0].start_sample.0, gaps[0].cause), (1, 0, GapCause::DeviceLost));
    assert!(gaps[0].samples >= 16_000 / 10, "from the start on: {} samples", gaps[0].samples);
    let after = windows(&records);
    assert_eq!(after[0].start_sample.0, gaps[0].samples);
    // hop by hop at the source's own rate
    assert_eq!(after[1].start_sample.0 - after[0].start_sample.0, HOP);
    assert_eq!(events_and_gaps(&records), ["gap", "onset", "offset"]);
}

#[test]
fn a_source_that_is_lost_right_after_its_start_is_listened_to_before_it_is_lost() {
    let (reopen, _) = attempts(vec![Ok(script_of(noise(32_000), End::Ended))]);
    let first = script_of(noise(WINDOW as usize), End::LostAtOnce);
    let Story { outcome, records, .. } = run(first, reopen);
    assert_eq!(outcome.unwrap(), Outcome::SourceEnded);
    let expected = [State::Listening, State::Lost, State::Recovering];
    assert_eq!(states(&records)[..3], expected, "{records:#?}");
    assert_eq!(events_and_gaps(&records), ["onset", "offset", "gap", "onset", "offset"]);
}

#[test]
fn audio_that_arrives_again_is_reported_as_listening_and_a_stop_meanwhile_is_obeyed() {
    let (reopen, made) = attempts(vec![Err(absent()), Ok(script_of(noise(32_000), End::Stays))]);
    let collected = Collected::default();
    let sinks = vec![collected.sink("log")];
    let first = script_of(noise(WINDOW as usize), End::Lost);
    let mut back = daemon(first, Loudness::well(), sinks, spec(Overflow::Block));
    back.inputs[0].reopen = Some(reopen);
    let running = Running::start(back);
    let expected = [State::Listening, State::Lost, State::Recovering, State::Listening];
    wait_until("listening again", || states(&collected.records()) == expected);
    running.stop();
    assert_eq!(running.outcome().unwrap(), Outcome::Stopped);
    assert_eq!(made.get(), 2);

    let (reopen, made) = attempts(Vec::new());
    let first = script_of(noise(WINDOW as usize), End::Lost);
    let mut gone = daemon(first, Loudness::well(), Vec::new(), spec(Overflow::Block));
    gone.inputs[0].reopen = Some(reopen);
    let running = Running::start(gone);
    wait_until("three attempts", || made.get() >= 3);
    running.stop();
    let outcome = running.outcome.recv_timeout(PATIENCE).expect("the daemon hangs");
    assert_eq!(outcome.unwrap(), Outcome::Stopped);
}
