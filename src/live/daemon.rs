//! The daemon as a command sees it: what it is made of. Runs on the thread that calls it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::input::{Input, Reopen};
use super::pipeline::{self, InputEnds, PipelineEnds, PipelineInput, WindowObserver};
use super::reloading::{Reload, Reloading};
use super::supervisor::Supervisor;
use super::{LiveError, Outcome, PipelineSpec};
use crate::recognition::Scorer;
use crate::sinks::{AudioTap, Outlet, Sink};
use crate::sources::Source;

/// A source, a scorer and sinks, not yet joined.
pub struct Daemon {
    /// Where the audio comes from. Its pace has to match [`PipelineSpec::overflow`].
    pub source: Box<dyn Source>,
    /// How it is opened again after a loss; without it, a lost source ends the daemon.
    pub reopen: Option<Reopen>,
    /// How it gets another configuration and model while it runs; without it, it never does.
    pub reload: Option<Reload>,
    /// What scores; moves to the thread `tympan-classify`.
    pub scorer: Box<dyn Scorer>,
    /// Where records go that may block; each gets a queue and a thread.
    pub sinks: Vec<Box<dyn Sink>>,
    /// Where records go that never block: called on the thread that publishes.
    pub outlets: Vec<Box<dyn Outlet>>,
    /// Where samples go beside the front end, for a sink that records them.
    pub tap: Option<AudioTap>,
    /// How it runs.
    pub spec: PipelineSpec,
    /// Set it to end the daemon: within a second, even if a sink blocks; three if the scorer itself hangs.
    pub stop: Arc<AtomicBool>,
    /// Sees every window record as it is published.
    pub on_window: Option<WindowObserver>,
}

impl Daemon {
    /// Warms the scorer up, starts the source, and runs until the source ends, [`Self::stop`] is set, the reader of
    /// a sink is gone, or something fails.
    ///
    /// However it ends: events that began end, `stopping` is the last record, and every sink has been flushed or, if it
    /// blocks, left behind. The first record is `listening`. With [`Overflow::Block`](crate::domain::Overflow::Block) a
    /// sink that blocks is waited for until a stop is asked for.
    ///
    /// # Errors
    /// [`LiveError`]: what the stages cannot be built from, a source that does not start, or is lost and cannot be
    /// reopened, a scorer that fails, a sink that failed for good.
    pub fn run(self) -> Result<Outcome, LiveError> {
        let Self { source, reopen, reload, scorer, sinks, outlets, tap, spec, stop, on_window } =
            self;
        let inputs = vec![DaemonInput { source, reopen, tap }];
        run(inputs, DaemonParts { reload, scorer, sinks, outlets, spec, stop, on_window })
    }
}

/// One input, not yet started.
struct DaemonInput {
    source: Box<dyn Source>,
    reopen: Option<Reopen>,
    tap: Option<AudioTap>,
}

/// What the inputs of a daemon share.
struct DaemonParts {
    reload: Option<Reload>,
    scorer: Box<dyn Scorer>,
    sinks: Vec<Box<dyn Sink>>,
    outlets: Vec<Box<dyn Outlet>>,
    spec: PipelineSpec,
    stop: Arc<AtomicBool>,
    on_window: Option<WindowObserver>,
}

fn run(inputs: Vec<DaemonInput>, parts: DaemonParts) -> Result<Outcome, LiveError> {
    let DaemonParts { reload, scorer, sinks, outlets, spec, stop, on_window } = parts;
    let (sender, events) = pipeline::event_channel();
    let (mut sources, mut reopens, mut pipeline_inputs) = (Vec::new(), Vec::new(), Vec::new());
    for DaemonInput { source, reopen, tap } in inputs {
        let (name, sample_rate) = (Arc::<str>::from(source.name()), source.sample_rate());
        pipeline_inputs.push(PipelineInput { name: Arc::clone(&name), sample_rate, tap });
        reopens.push((name, sample_rate, reopen));
        sources.push(source);
    }
    let ends = PipelineEnds { inputs: pipeline_inputs, scorer, sinks, outlets, on_window };
    let (pipeline, input_ends) = pipeline::spawn(&spec, ends, &sender)?;
    let mut inputs = Vec::with_capacity(sources.len());
    for ((name, sample_rate, reopen), ends) in reopens.into_iter().zip(input_ends) {
        let InputEnds { rings, level } = ends;
        inputs.push(Input {
            index: inputs.len(),
            name,
            description: spec.device.clone(),
            sample_rate,
            reopen,
            ring: spec.ring,
            rings: Some(rings),
            level,
            counters: Arc::clone(&spec.counters),
            events: sender.clone(),
            state: Input::lost(Instant::now()),
        });
    }
    let reloading = reload.map(|reload| Reloading::new(reload, sender));
    Supervisor { inputs, reloading, spec, stop, pipeline, events }.run(sources)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::domain::{
        EventPhase, LabelSet, MelWindow, Overflow, Published, Record, SampleRate, Scores,
    };
    use crate::features::{FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};
    use crate::live::Recipe;
    use crate::recognition::{
        DetectorSettings, DetectorSpec, ModelTraits, RecognitionRules, ScorerError, Thresholds,
    };
    use crate::sinks::SinkError;
    use crate::sources::{Pace, ReaderSource, SampleReader, SourceError};

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
            SampleRate::new(self.hz).unwrap()
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
                scores.0[0] = (1.0 + mean / 100.0).clamp(0.0, 1.0);
                scores.0[1] = 1.0 - scores.0[0];
            }
            Ok(())
        }
    }

    struct Collecting(Arc<Mutex<Vec<Record>>>);

    impl Sink for Collecting {
        fn name(&self) -> &str {
            "log"
        }

        fn write(&mut self, published: &Published) -> Result<(), SinkError> {
            self.0.lock().unwrap().push(published.record.clone());
            Ok(())
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }

    fn spec() -> PipelineSpec {
        let labels = LabelSet::new(&["loud", "quiet"]).unwrap();
        let model = ModelTraits {
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
                featuriser: FeaturiserSpec {
                    front_end: FrontEndSpec::standard().unwrap(),
                    normaliser: Normaliser { mean: vec![0.0; 64], deviation: vec![1.0; 64] },
                    window: WindowSpec { frames: 10, hop_frames: 4 },
                },
                rules: RecognitionRules {
                    smoothing: Duration::from_millis(100),
                    detector: DetectorSpec::new(&model, settings).unwrap(),
                    denied_labels: Vec::new(),
                    top_labels: 2,
                },
                model: "mean of bands".to_owned(),
            },
            overflow: Overflow::Block,
            ring: Duration::from_secs(1),
            silent_after: Duration::from_secs(10),
            device: "bursts".to_owned(),
            counters: Arc::default(),
            status: Arc::default(),
        }
    }

    fn records(inputs: Vec<DaemonInput>) -> Vec<Record> {
        let (spec, collected) = (spec(), Arc::default());
        let labels = spec.recipe.rules.detector.labels().clone();
        let parts = DaemonParts {
            reload: None,
            scorer: Box::new(MeanOfBands(labels)),
            sinks: vec![Box::new(Collecting(Arc::clone(&collected)))],
            outlets: Vec::new(),
            spec,
            stop: Arc::default(),
            on_window: None,
        };
        assert_eq!(run(inputs, parts).unwrap(), Outcome::SourceEnded);
        let records = collected.lock().unwrap();
        records.clone()
    }

    fn input(bursts: Bursts) -> DaemonInput {
        DaemonInput { source: bursts.source(), reopen: None, tap: None }
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
}
