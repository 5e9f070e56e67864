//! The map of the running daemon: every stage, every channel between them, in one function. Called by the supervisor,
//! which gets the ends it needs.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::LiveError;
use super::classify_stage::ClassifyStage;
use super::emit_stage::{EmitStage, WindowObserver};
use super::feature_stage::FeatureStage;
use super::heard::Closing;
use super::hurry::{HurrySwitch, hurry};
use super::input_meter::{InputLevel, InputMeter};
use super::pipeline_spec::PipelineSpec;
use super::record_queue::{RecordSender, record_queue};
use super::reloading::Successor;
use super::stage_thread::StageThread;
use super::window_outlet::window_channel;
use crate::domain::{SampleRate, StatusRecord};
use crate::features::Featuriser;
use crate::recognition::{RecogniserSpec, Scorer};
use crate::sinks::{AudioTap, QueueCapacity, Sink, SinkEnd, SinkHandle, SinkVitals, spawn_sink};
use crate::sources::SampleConsumer;

/// A failure of each stage fits.
const STAGES: usize = 3;

/// What a pipeline connects.
pub(super) struct PipelineEnds {
    pub(super) source: Arc<str>,
    pub(super) sample_rate: SampleRate,
    pub(super) scorer: Box<dyn Scorer>,
    pub(super) sinks: Vec<Box<dyn Sink>>,
    pub(super) tap: Option<AudioTap>,
    pub(super) on_window: Option<WindowObserver>,
}

/// The ends that the supervisor holds. The fields are in the order in which the end comes.
pub(super) struct Pipeline {
    pub(super) features: StageThread,
    pub(super) classify: StageThread,
    pub(super) emit: StageThread,
    /// Receives once the scorer is warm.
    pub(super) ready: Receiver<()>,
    /// Takes a ring for each time that the source is opened.
    pub(super) inputs: Sender<SampleConsumer>,
    /// Takes what a reload brings.
    pub(super) successors: Sender<Successor>,
    /// Takes the very first record, and the very last.
    pub(super) opening: Sender<StatusRecord>,
    pub(super) closing: Sender<Closing>,
    /// For the statuses in between.
    pub(super) records: RecordSender,
    pub(super) failures: Receiver<LiveError>,
    pub(super) sink_ends: Receiver<SinkEnd>,
    pub(super) hurry: HurrySwitch,
    pub(super) level: Arc<InputLevel>,
    pub(super) sinks: Vec<Arc<SinkVitals>>,
}

/// Starts every stage: ring → features → four windows → classify → records → emit → a queue a sink.
///
/// Nothing moves before a ring is sent and filled. With all rings at their end, dropping their sender ends all of it, stage
/// by stage.
pub(super) fn spawn(spec: &PipelineSpec, ends: PipelineEnds) -> Result<Pipeline, LiveError> {
    let PipelineEnds { source, sample_rate, scorer, sinks, tap, on_window } = ends;
    let (when_full, counters) = (spec.when_full, || Arc::clone(&spec.counters));
    let featuriser = Featuriser::new(&spec.featuriser, sample_rate)?;
    let example = featuriser.empty_window();
    let level = Arc::new(InputLevel::default());

    // one that a busy stage has not come to yet, and one that follows it
    let (inputs, rings) = bounded(2);
    let (successors, succession) = bounded(1);
    let (outlet, inlet) = window_channel(&example, when_full, counters());
    let (records, outgoing) = record_queue(when_full, counters());
    let (ended, sink_ends) = bounded(sinks.len().max(1));
    let sinks = spawn_sinks(sinks, spec, &ended)?;
    let vitals: Vec<_> = sinks.iter().map(SinkHandle::vitals).collect();
    spec.board.set_sinks(vitals.clone());
    let (ready_sender, ready) = bounded(1);
    let (opening, opening_out) = bounded(1);
    let (closing, closing_out) = bounded(1);
    let (failed, failures) = bounded(STAGES);
    let (switch, hurry) = hurry();

    let meter = InputMeter::new(Arc::clone(&level));
    #[rustfmt::skip]
    let stage = FeatureStage {
        rings, successors: succession, takeover: None, spec: spec.featuriser.clone(), featuriser, outlet, tap, meter,
        counters: counters(), hurry: hurry.clone(),
    };
    let features = StageThread::spawn("tympan-features", failed.clone(), || stage.run())?;

    #[rustfmt::skip]
    let stage = ClassifyStage {
        scorer, recogniser: recogniser_spec(spec, source, sample_rate), veto: spec.veto.clone(), example,
        hop_frames: spec.featuriser.window.hop_frames as u64, inlet, records: records.clone(),
        ready: ready_sender, counters: counters(), hurry: hurry.clone(),
    };
    let classify = StageThread::spawn("tympan-classify", failed.clone(), || stage.run())?;

    #[rustfmt::skip]
    let stage = EmitStage {
        opening: opening_out, outgoing, closing: closing_out, sinks, board: Arc::clone(&spec.board), on_window, hurry,
    };
    let emit = StageThread::spawn("tympan-emit", failed, || stage.run())?;

    #[rustfmt::skip]
    let pipeline = Pipeline {
        features, classify, emit, ready, inputs, successors, opening, closing, records, failures, sink_ends, level,
        hurry: switch, sinks: vitals,
    };
    Ok(pipeline)
}

fn recogniser_spec(
    spec: &PipelineSpec,
    source: Arc<str>,
    sample_rate: SampleRate,
) -> RecogniserSpec {
    RecogniserSpec {
        source,
        sample_rate,
        smoothing: spec.smoothing,
        detector: spec.detector.clone(),
        top: spec.top,
    }
}

fn spawn_sinks(
    sinks: Vec<Box<dyn Sink>>,
    spec: &PipelineSpec,
    ended: &Sender<SinkEnd>,
) -> Result<Vec<SinkHandle>, LiveError> {
    let start = |sink| {
        let counters = Arc::clone(&spec.counters);
        spawn_sink(sink, QueueCapacity::default(), spec.when_full, counters, ended.clone())
    };
    sinks.into_iter().map(start).collect::<Result<_, _>>().map_err(LiveError::SinkStart)
}
