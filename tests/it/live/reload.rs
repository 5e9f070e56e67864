//! Another model and other rules for a daemon that goes on listening: swapped between two windows, or refused with
//! everything left as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tympan::domain::{EventPhase, LabelSet, Overflow, Record, SampleRate, State, StatusRecord};
use tympan::features::{FeaturiserSpec, WindowSpec};
use tympan::live::{Daemon, Outcome, Recipe, Reload, Reloaded, SharedStatus};
use tympan::sources::{Pace, ReaderSource, SampleReader, SourceError};

use super::fakes::{Collected, End, Loudness, script_of};
use super::{
    Running, assert_events_pair_up, daemon, detector_for, events, featuriser, noise, rate, rules,
    spec, wait_until, windows,
};

/// White noise for ever.
pub struct Noise(pub SampleRate);

impl SampleReader for Noise {
    fn name(&self) -> &str {
        "noise"
    }

    fn sample_rate(&self) -> SampleRate {
        self.0
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        block.copy_from_slice(&noise(block.len()));
        Ok(block.len())
    }
}

fn other_labels() -> LabelSet {
    LabelSet::new(&["hiss", "quiet"]).unwrap()
}

/// Another model, for windows of this shape.
fn other_model(window: WindowSpec) -> Reloaded {
    Reloaded {
        recipe: Recipe {
            featuriser: FeaturiserSpec { window, ..featuriser() },
            rules: rules(detector_for(other_labels())),
            model: "another".to_owned(),
        },
        scorer: Box::new(Loudness::labelled(other_labels())),
        needs_restart: vec!["[source]".to_owned()],
    }
}

struct Reloadable {
    daemon: Daemon,
    collected: Collected,
    requested: Arc<AtomicBool>,
    status: Arc<SharedStatus>,
}

fn reloadable(
    hz: u32,
    read: impl Fn() -> Result<Reloaded, String> + Send + Sync + 'static,
) -> Reloadable {
    let collected = Collected::default();
    let source = ReaderSource::new(Box::new(Noise(rate(hz))), Pace::RealTime);
    let sinks = vec![collected.sink("log")];
    let mut daemon = daemon(source, Loudness::well(), sinks, spec(Overflow::Block));
    let requested = Arc::new(AtomicBool::new(false));
    daemon.reload = Some(Reload { requested: Arc::clone(&requested), read: Arc::new(read) });
    let status = Arc::clone(&daemon.spec.status);
    Reloadable { daemon, collected, requested, status }
}

fn statuses(records: &[Record]) -> Vec<&StatusRecord> {
    let records = records.iter();
    records
        .filter_map(|record| match record {
            Record::Status(status) => Some(status),
            _ => None,
        })
        .collect()
}

/// Runs for a while, reloads, runs for another while.
fn reload_in_between(reloadable: Reloadable) -> Vec<Record> {
    let Reloadable { daemon, collected, requested, .. } = reloadable;
    let running = Running::start(daemon);
    let scored = || windows(&collected.records()).len();
    wait_until("the first windows", || scored() >= 3);
    // SeqCst: a test wants no subtlety
    requested.store(true, Ordering::SeqCst);
    let reported = || statuses(&collected.records()).iter().any(|s| s.detail.contains("reloaded"));
    wait_until("the status of the reload", reported);
    let before = scored();
    wait_until("more windows", || scored() >= before + 4);
    running.stop();
    assert_eq!(running.outcome().unwrap(), Outcome::Stopped);
    collected.records()
}

/// The windows of the first model and those of the second one.
fn parted(records: &[Record]) -> (usize, Vec<(u64, u64)>) {
    let windows = windows(records);
    let labels: Vec<&str> = windows.iter().map(|window| &*window.scores[0].label).collect();
    let first = labels.iter().take_while(|label| **label == "noise").count();
    assert!(labels[first..].iter().all(|label| *label == "hiss"), "{labels:?}");
    assert!(first >= 3 && labels.len() >= first + 3, "{labels:?}");
    (first, windows.iter().map(|window| (window.start_sample.0, window.end_sample.0)).collect())
}

#[test]
fn another_model_for_the_same_windows_is_swapped_in_between_two_of_them() {
    let records = reload_in_between(reloadable(16_000, || Ok(other_model(featuriser().window))));
    let (_, spans) = parted(&records);
    let hops: Vec<u64> = spans.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(hops.iter().all(|hop| *hop == super::HOP), "{hops:?}");
    assert_events_pair_up(&records);
    let onsets: Vec<(u64, &str)> = events(&records)
        .iter()
        .filter(|event| matches!(event.phase, EventPhase::Onset { .. }))
        .map(|event| (event.id, &*event.label))
        .collect();
    assert_eq!(onsets, [(1, "noise"), (2, "hiss")]);
    let reported = statuses(&records);
    assert_eq!(reported[1].state, State::Listening);
    assert_eq!(
        reported[1].detail,
        "reloaded, model another; still to come with a restart: [source]"
    );
}

#[test]
fn a_model_with_other_windows_begins_with_the_next_sample() {
    for hz in [16_000, 44_100, 48_000] {
        let longer = WindowSpec { frames: 15, hop_frames: 3 };
        let records = reload_in_between(reloadable(hz, move || Ok(other_model(longer))));
        let (first, spans) = parted(&records);
        let (last_before, first_after) = (spans[first - 1], spans[first]);
        // the old model has scored every window that was complete by then, the new one sees no sample before it
        let hop = super::HOP * u64::from(hz) / 16_000;
        // and what the resampler holds back: 10 ms are more
        let between = last_before.1..last_before.1 + hop + u64::from(hz) / 100;
        assert!(between.contains(&first_after.0), "{last_before:?}, {first_after:?} at {hz} Hz");
        assert!(first_after.1 - first_after.0 > last_before.1 - last_before.0);
        assert_events_pair_up(&records);
    }
}

#[test]
fn what_cannot_be_used_is_refused_and_everything_stays_as_it_was() {
    let unreadable: fn() -> Result<Reloaded, String> = || Err("config.toml:3: no such key".into());
    // a model and rules for other labels than its own
    let unfit: fn() -> Result<Reloaded, String> = || {
        let scorer = Box::new(Loudness::well());
        Ok(Reloaded { scorer, ..other_model(featuriser().window) })
    };
    for (read, why) in [(unreadable, "config.toml:3: no such key"), (unfit, "label 0")] {
        let reloadable = reloadable(16_000, read);
        let status = Arc::clone(&reloadable.status);
        let records = reload_in_between(reloadable);
        assert!(windows(&records).iter().all(|window| &*window.scores[0].label == "noise"));
        let onsets = events(&records);
        assert_eq!(onsets.len(), 2, "one event from the start to the stop: {onsets:?}");
        let reported = statuses(&records);
        assert!(reported[1].detail.contains(why), "{reported:?}");
        let status = status.status().unwrap();
        let reload = status.reload.unwrap();
        assert!(!reload.succeeded && reload.detail.contains(why), "{reload:?}");
        assert_eq!(status.model, "loudness");
    }
}

#[test]
fn while_the_source_is_away_another_model_is_taken_all_the_same() {
    let Reloadable { mut daemon, collected, requested, .. } =
        reloadable(16_000, || Ok(other_model(WindowSpec { frames: 15, hop_frames: 3 })));
    daemon.inputs[0].source = Box::new(script_of(noise(16_000), End::Lost));
    let back = Arc::new(AtomicBool::new(false));
    let may_come = Arc::clone(&back);
    daemon.inputs[0].reopen = Some(Arc::new(move || {
        // SeqCst: as above
        if may_come.load(Ordering::SeqCst) {
            Ok(Box::new(ReaderSource::new(Box::new(Noise(rate(8_000))), Pace::RealTime)))
        } else {
            Err(SourceError::DeviceLost { device: "script".into(), reason: "away".into() })
        }
    }));
    let running = Running::start(daemon);
    wait_until("the loss", || {
        statuses(&collected.records()).iter().any(|s| s.state == State::Lost)
    });
    // SeqCst: as above
    requested.store(true, Ordering::SeqCst);
    let reloaded =
        || statuses(&collected.records()).iter().any(|s| s.detail.starts_with("reloaded"));
    wait_until("the reload", reloaded);
    let state = statuses(&collected.records()).last().unwrap().state;
    assert_eq!(state, State::Lost, "a reload brings no device back");
    // SeqCst: as above
    back.store(true, Ordering::SeqCst);
    let hiss = || windows(&collected.records()).iter().any(|w| &*w.scores[0].label == "hiss");
    wait_until("windows of the new model", hiss);
    running.stop();
    running.outcome().unwrap();
    assert_events_pair_up(&collected.records());
}
