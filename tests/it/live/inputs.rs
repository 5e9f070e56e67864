//! Two sources through one model: what each of them gives, loses and counts is its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tympan::domain::{
    EventPhase, InputCounters, LabelSet, MelWindow, Overflow, Record, SampleRate, Scores, State,
};
use tympan::live::{Daemon, DaemonInput, Outcome, PipelineSpec, Recipe, Reopen};
use tympan::recognition::{
    DetectorSettings, DetectorSpec, ModelTraits, RecognitionRules, Scorer, ScorerError, Thresholds,
};
use tympan::sources::{
    Pace, ReaderSource, RunningSource, SampleProducer, SampleReader, Source, SourceError,
    SourceState,
};

use super::fakes::Collected;
use super::{featuriser, rate};

const RING: Duration = Duration::from_secs(1);

/// Bursts of noise, each 0.3 s long and 0.4 s apart, that begin with a silence.
struct Bursts {
    name: &'static str,
    hz: u32,
    /// Samples still to come.
    left: u64,
    /// What comes after the last sample: the end, or the loss of the device.
    is_lost: bool,
    next: u64,
    noise: u32,
}

impl Bursts {
    fn new(name: &'static str, hz: u32, seconds: u64) -> Self {
        let left = u64::from(hz) * seconds;
        Self { name, hz, left, is_lost: false, next: 0, noise: hz }
    }

    fn source(self) -> Box<dyn Source> {
        Box::new(ReaderSource::new(Box::new(self), Pace::AsFastAsPossible))
    }
}

impl SampleReader for Bursts {
    fn name(&self) -> &str {
        self.name
    }

    fn sample_rate(&self) -> SampleRate {
        rate(self.hz)
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        if self.left == 0 && self.is_lost {
            return Err(unplugged());
        }
        let count = usize::try_from(self.left).unwrap().min(block.len());
        for sample in &mut block[..count] {
            let is_burst = self.next * 10 / u64::from(self.hz) % 7 >= 4;
            self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (self.noise >> 8) as f32 / 8_388_608.0 - 1.0;
            *sample = if is_burst { 0.3 * noise } else { 1e-4 * noise };
            self.next += 1;
        }
        self.left -= count as u64;
        Ok(count)
    }
}

fn unplugged() -> SourceError {
    SourceError::DeviceLost { device: "bursts".to_owned(), reason: "unplugged".to_owned() }
}

/// The louder a window's bands, the likelier.
struct MeanOfBands(LabelSet);

impl Scorer for MeanOfBands {
    fn labels(&self) -> &LabelSet {
        &self.0
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        for (window, scores) in windows.iter().zip(scores) {
            let mean = window.values.iter().sum::<f32>() / window.values.len() as f32;
            scores.values[0] = (1.0 + mean / 100.0).clamp(0.0, 1.0);
            scores.values[1] = 1.0 - scores.values[0];
        }
        Ok(())
    }
}

fn spec() -> PipelineSpec {
    let labels = LabelSet::new(&["loud", "quiet"]).unwrap();
    let model = ModelTraits {
        non_events: Vec::new(),
        labels,
        thresholds: vec![Thresholds { on: 0.45, off: 0.4 }; 2],
        hop: Duration::from_millis(80),
    };
    let settings = DetectorSettings {
        confirm_windows: 1,
        confirm_of: 1,
        min_event: Duration::ZERO,
        cooldown: Duration::ZERO,
        ..DetectorSettings::default()
    };
    PipelineSpec {
        recipe: Recipe {
            featuriser: featuriser(),
            rules: RecognitionRules {
                smoothing: Duration::from_millis(100),
                detector: DetectorSpec::new(&model, settings).unwrap(),
                denied_labels: Vec::new(),
                top_labels: 2,
            },
            model: "mean of bands".to_owned(),
        },
        overflow: Overflow::Block,
        silent_after: Duration::from_secs(10),
        counters: Arc::default(),
        status: Arc::default(),
    }
}

/// What two of them share: a scorer, a sink and the rules.
fn daemon(inputs: Vec<DaemonInput>, collected: &Collected) -> Daemon {
    let spec = spec();
    let labels = spec.recipe.rules.detector.labels().clone();
    Daemon {
        inputs,
        reload: None,
        scorer: Box::new(MeanOfBands(labels)),
        sinks: vec![collected.sink("log")],
        outlets: Vec::new(),
        spec,
        stop: Arc::default(),
        on_window: None,
    }
}

fn records(inputs: Vec<DaemonInput>) -> Vec<Record> {
    let collected = Collected::default();
    assert_eq!(daemon(inputs, &collected).run().unwrap(), Outcome::SourceEnded);
    collected.records()
}

fn input(bursts: Bursts) -> DaemonInput {
    DaemonInput { ring: RING, ..DaemonInput::new(bursts.source()) }
}

/// Windows with their scores and events of one source: all but wall times, latencies and the events' ids.
fn story(records: &[Record], name: &str) -> Vec<String> {
    let entry = |record: &Record| match record {
        Record::Window(it) if &*it.source == name => {
            let (start, end) = (it.start_sample, it.end_sample);
            Some(format!("{start:?} {end:?} {} {:?}", it.level_dbfs, it.scores))
        }
        Record::Event(it) if &*it.source == name => {
            Some(format!("{} {:?} {:?}", it.label, it.start_sample, it.phase))
        }
        Record::Gap(it) if &*it.source == name => Some(format!("gap {:?}", it.start_sample)),
        _ => None,
    };
    records.iter().filter_map(entry).collect()
}

fn onsets(records: &[Record]) -> Vec<u64> {
    let onset = |record: &Record| match record {
        Record::Event(it) if matches!(it.phase, EventPhase::Onset { .. }) => Some(it.id),
        _ => None,
    };
    records.iter().filter_map(onset).collect()
}

#[test]
fn two_inputs_that_share_a_scorer_give_what_two_daemons_do() {
    let (near, far) = (|| Bursts::new("near", 16_000, 20), || Bursts::new("far", 44_100, 17));
    let both = records(vec![input(near()), input(far())]);
    for (name, alone) in [("near", input(near())), ("far", input(far()))] {
        let alone = story(&records(vec![alone]), name);
        assert!(alone.len() > 200, "{} records of {name}", alone.len());
        assert_eq!(story(&both, name), alone);
    }
    let ids = onsets(&both);
    assert!(ids.len() > 40, "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "ids are of one daemon");
}

#[test]
fn the_loss_of_one_input_leaves_the_other_alone() {
    let (near, far) = (|| Bursts::new("near", 16_000, 60), || Bursts::new("far", 44_100, 5));
    let reopen: Reopen = Arc::new(move || Ok(Bursts::new("far", 8_000, 5).source()));
    let lost = DaemonInput { reopen: Some(reopen), ..input(Bursts { is_lost: true, ..far() }) };
    let both = records(vec![input(near()), lost]);
    assert_eq!(story(&both, "near"), story(&records(vec![input(near())]), "near"));
    let before = story(&records(vec![input(far())]), "far");
    let far = story(&both, "far");
    assert_eq!(far[..before.len()], before);
    assert_eq!(far[before.len()], "gap SampleIndex(40000)");
    assert!(far.len() > before.len() + 50, "{} records", far.len());
}

/// Delivers three seconds at once, of which the ring holds one, each with a sample that is no number.
struct Flood;

impl Source for Flood {
    fn name(&self) -> &str {
        "flood"
    }

    fn sample_rate(&self) -> SampleRate {
        rate(16_000)
    }

    fn start(
        self: Box<Self>,
        mut producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError> {
        let mut block = [0.1; 16_000];
        block[7] = f32::NAN;
        for _ in 0..3 {
            producer.push_block(&block, Instant::now());
        }
        Ok(Box::new(Flooded))
    }
}

struct Flooded;

impl RunningSource for Flooded {
    fn state(&mut self) -> SourceState {
        SourceState::Ended
    }
}

#[test]
fn what_one_input_loses_is_counted_on_that_input_alone() {
    let collected = Collected::default();
    let inputs = vec![
        input(Bursts::new("near", 16_000, 20)),
        DaemonInput { ring: RING, ..DaemonInput::new(Box::new(Flood)) },
    ];
    let counters: Vec<_> = inputs.iter().map(|input| Arc::clone(&input.counters)).collect();
    let daemon = daemon(inputs, &collected);
    let status = Arc::clone(&daemon.spec.status);
    assert_eq!(daemon.run().unwrap(), Outcome::SourceEnded);
    let losses = |it: &InputCounters| (it.samples_dropped.get(), it.samples_repaired.get());
    assert_eq!((losses(&counters[0]), losses(&counters[1])), ((0, 0), (32_000, 1)));
    let records = collected.records();
    for (name, counters, captured) in
        [("near", &counters[0], 320_000), ("flood", &counters[1], 48_000)]
    {
        let is_its_window =
            |record: &&Record| matches!(record, Record::Window(it) if &*it.source == name);
        let windows = records.iter().filter(is_its_window).count() as u64;
        assert_eq!((counters.windows_scored.get(), counters.windows_skipped.get()), (windows, 0));
        assert_eq!(counters.samples_captured.get(), captured);
    }
    let sums = status.status().unwrap().counters;
    assert_eq!((sums["samples_dropped"], sums["samples_captured"]), (32_000, 368_000));
    let stopping = |record: &Record| match record {
        Record::Status(it) if it.state == State::Stopping => Some(it.source.to_string()),
        _ => None,
    };
    let stopping: Vec<_> = records.iter().filter_map(stopping).collect();
    assert_eq!(stopping, ["near", "flood"], "each input's last record");
}

#[test]
fn two_hundred_inputs_give_what_each_gives_alone() {
    let names: Vec<&'static str> =
        (0..200).map(|index| &*Box::leak(format!("n{index}").into_boxed_str())).collect();
    let all = records(names.iter().map(|name| input(Bursts::new(name, 16_000, 3))).collect());
    let alone = story(&records(vec![input(Bursts::new("alone", 16_000, 3))]), "alone");
    assert!(alone.len() > 10, "{alone:?}");
    for name in names {
        assert_eq!(story(&all, name), alone, "{name}");
    }
    let ids = onsets(&all);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "ids are of one daemon");
}
