//! The daemon with fake ends: a scripted source, a scorer that only distinguishes loud from quiet, sinks that collect. What is
//! lost and what is not is in `losses`, how a source comes back in `device_life`, how a daemon ends in `endings`, how it
//! takes another model in `reload`, what several inputs share in
//! `inputs`, what the service manager gets of it in `watchdog`, the scan of clips in `scan`.

mod device_life;
mod endings;
mod fakes;
mod inputs;
mod losses;
mod reload;
mod scan;
mod watchdog;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use tympan::domain::{
    EventPhase, EventRecord, InputCounters, LabelSet, OutputCounters, Overflow, Record, SampleRate,
    State, WindowRecord,
};
use tympan::features::{FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};
use tympan::live::{Daemon, DaemonInput, LiveError, Outcome, PipelineSpec, Recipe};
use tympan::recognition::{
    DetectorSettings, DetectorSpec, ModelTraits, RecognitionRules, Scorer, Thresholds,
};
use tympan::sinks::Sink;
use tympan::sources::Source;

use fakes::{Collected, ScriptedSource};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// At 16 kHz: 10 frames of 1024 samples, 320 apart.
const WINDOW: u64 = 9 * 320 + 1024;
/// Four frames.
const HOP: u64 = 4 * 320;

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}

fn labels() -> LabelSet {
    LabelSet::new(&["noise", "quiet"]).unwrap()
}

fn featuriser() -> FeaturiserSpec {
    FeaturiserSpec {
        front_end: FrontEndSpec::standard().unwrap(),
        normaliser: Normaliser { mean: vec![0.0; 64], deviation: vec![1.0; 64] },
        window: WindowSpec { frames: 10, hop_frames: 4 },
    }
}

/// Every window counts at once; quiet is no event.
fn detector() -> DetectorSpec {
    detector_for(labels())
}

fn detector_for(labels: LabelSet) -> DetectorSpec {
    let model = ModelTraits {
        non_events: Vec::new(),
        labels,
        thresholds: vec![Thresholds { on: 0.6, off: 0.4 }; 2],
        hop: rate(16_000).duration_of(HOP),
    };
    let settings = DetectorSettings {
        confirm_windows: 1,
        confirm_of: 1,
        min_event: Duration::ZERO,
        max_event: Duration::from_secs(3_600),
        cooldown: Duration::ZERO,
        deny: vec!["quiet".to_owned()],
        ..DetectorSettings::default()
    };
    DetectorSpec::new(&model, settings).unwrap()
}

/// Records that list both labels, without smoothing.
fn rules(detector: DetectorSpec) -> RecognitionRules {
    RecognitionRules {
        smoothing: Duration::ZERO,
        detector,
        denied_labels: Vec::new(),
        top_labels: 2,
    }
}

fn spec(overflow: Overflow) -> PipelineSpec {
    PipelineSpec {
        recipe: Recipe {
            featuriser: featuriser(),
            rules: rules(detector()),
            model: "loudness".to_owned(),
        },
        overflow,
        silent_after: Duration::from_secs(10),
        counters: Arc::default(),
        status: Arc::default(),
    }
}

/// White noise at a tenth of full scale, the same every time.
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..samples).map(|_| 0.1 * next()).collect()
}

/// As good as nothing, but not exactly zero.
fn quiet(samples: usize) -> Vec<f32> {
    vec![1e-6; samples]
}

/// What a daemon with one input counts.
#[derive(Clone)]
struct Counts {
    input: Arc<InputCounters>,
    outputs: Arc<OutputCounters>,
}

/// A daemon that runs on a thread of its own, so that a test can look at it meanwhile and give up waiting.
struct Running {
    stop: Arc<AtomicBool>,
    counters: Counts,
    outcome: Receiver<Result<Outcome, LiveError>>,
}

impl Running {
    fn start(daemon: Daemon) -> Self {
        let (sender, outcome) = bounded(1);
        let stop = Arc::clone(&daemon.stop);
        let counters = Counts {
            input: Arc::clone(&daemon.inputs[0].counters),
            outputs: Arc::clone(&daemon.spec.counters),
        };
        std::thread::spawn(move || sender.send(daemon.run()));
        Self { stop, counters, outcome }
    }

    fn stop(&self) {
        // SeqCst: a test wants no subtlety
        self.stop.store(true, Ordering::SeqCst);
    }

    fn outcome(&self) -> Result<Outcome, LiveError> {
        self.outcome.recv_timeout(PATIENCE).expect("the daemon hangs")
    }
}

fn daemon(
    source: impl Source + 'static,
    scorer: impl Scorer + 'static,
    sinks: Vec<Box<dyn Sink>>,
    spec: PipelineSpec,
) -> Daemon {
    Daemon {
        inputs: vec![DaemonInput {
            description: "a script".to_owned(),
            ..DaemonInput::new(Box::new(source))
        }],
        reload: None,
        scorer: Box::new(scorer),
        sinks,
        outlets: Vec::new(),
        spec,
        stop: Arc::default(),
        on_window: None,
    }
}

/// Runs a script to its end and gives back what one sink got, and what was counted.
fn play(
    script: ScriptedSource,
    scorer: impl Scorer + 'static,
    spec: PipelineSpec,
) -> (Result<Outcome, LiveError>, Vec<Record>, Counts) {
    let collected = Collected::default();
    let running = Running::start(daemon(script, scorer, vec![collected.sink("log")], spec));
    let outcome = running.outcome();
    (outcome, collected.records(), running.counters)
}

fn windows(records: &[Record]) -> Vec<&WindowRecord> {
    let records = records.iter();
    records
        .filter_map(|record| match record {
            Record::Window(window) => Some(window),
            _ => None,
        })
        .collect()
}

fn events(records: &[Record]) -> Vec<&EventRecord> {
    let records = records.iter();
    records
        .filter_map(|record| match record {
            Record::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

fn states(records: &[Record]) -> Vec<State> {
    let state = |record: &Record| match record {
        Record::Status(status) => Some(status.state),
        _ => None,
    };
    records.iter().filter_map(state).collect()
}

/// The kinds of the records that are no windows, in order. Without overloads: scripts play faster than life, which a
/// live daemon may or may not keep up with.
fn story(records: &[Record]) -> Vec<&'static str> {
    let kind = |record: &Record| match record {
        Record::Window(_) => None,
        Record::Event(event) if matches!(event.phase, EventPhase::Onset { .. }) => Some("onset"),
        Record::Event(_) => Some("offset"),
        Record::Gap(_) => Some("gap"),
        Record::Status(status) => match status.state {
            State::Overloaded => None,
            State::Invalid => Some("invalid"),
            State::Stalled => Some("stalled"),
            State::Listening => Some("listening"),
            State::Silent => Some("silent"),
            State::Flat => Some("flat"),
            State::Quiet => Some("quiet"),
            State::Clipping => Some("clipping"),
            State::Lost => Some("lost"),
            State::Recovering => Some("recovering"),
            State::Stopping => Some("stopping"),
        },
    };
    records.iter().filter_map(kind).collect()
}

/// Every onset is followed by one offset of the same id.
fn assert_events_pair_up(records: &[Record]) {
    let mut open = Vec::new();
    for event in events(records) {
        match event.phase {
            EventPhase::Onset { .. } => open.push(event.id),
            EventPhase::Offset { .. } => {
                let place = open.iter().position(|id| *id == event.id);
                open.remove(place.unwrap_or_else(|| panic!("an offset without onset: {event:?}")));
            }
        }
    }
    assert_eq!(open, Vec::<u64>::new(), "events that never end");
}

/// Waits until `met`, which must happen soon.
fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let began = Instant::now();
    while !met() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
