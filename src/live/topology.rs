//! The map of the running daemon: every stage, every channel between them, in one function. Called by the supervisor,
//! which gets the ends it needs.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::LiveError;
use super::classify_stage::{ClassifyStage, Publisher};
use super::feature_stage::FeatureStage;
use super::heard::WindowObserver;
use super::hurry::{HurrySwitch, hurry};
use super::input_meter::{InputLevel, InputMeter};
use super::pipeline_spec::PipelineSpec;
use super::reloading::Successor;
use super::stage_thread::StageThread;
use super::window_outlet::window_channel;
use crate::domain::SampleRate;
use crate::features::Featuriser;
use crate::recognition::Scorer;
use crate::sinks::{
    AudioTap, Fanout, Outlet, QueueCapacity, Sink, SinkEnd, SinkMetrics, spawn_sink,
};
use crate::sources::SampleConsumer;

/// A failure of each stage fits.
const STAGES: usize = 2;

/// What a pipeline connects.
pub(super) struct PipelineEnds {
    pub(super) source: Arc<str>,
    pub(super) sample_rate: SampleRate,
    pub(super) scorer: Box<dyn Scorer>,
    pub(super) sinks: Vec<Box<dyn Sink>>,
    pub(super) outlets: Vec<Box<dyn Outlet>>,
    pub(super) tap: Option<AudioTap>,
    pub(super) on_window: Option<WindowObserver>,
}

/// The ends that the supervisor holds. The fields are in the order in which the end comes.
pub(super) struct Pipeline {
    pub(super) features: StageThread,
    pub(super) classify: StageThread,
    /// Receives once the scorer is warm.
    pub(super) ready: Receiver<()>,
    /// Takes a ring for each time that the source is opened.
    pub(super) inputs: Sender<SampleConsumer>,
    /// Takes what a reload brings.
    pub(super) successors: Sender<Successor>,
    /// Where records go; the supervisor's are the first, the last, and the statuses in between.
    pub(super) outputs: Arc<Fanout>,
    pub(super) failures: Receiver<LiveError>,
    pub(super) sink_ends: Receiver<SinkEnd>,
    pub(super) hurry: HurrySwitch,
    pub(super) level: Arc<InputLevel>,
    pub(super) sinks: Vec<Arc<SinkMetrics>>,
}

/// Starts every stage: ring → features → four windows → classify → a queue a sink, and the sockets.
///
/// Nothing moves before a ring is sent and filled. With all rings at their end, dropping their sender ends all of it, stage
/// by stage.
pub(super) fn spawn(spec: &PipelineSpec, ends: PipelineEnds) -> Result<Pipeline, LiveError> {
    let PipelineEnds { source, sample_rate, scorer, sinks, outlets, tap, on_window } = ends;
    let (overflow, counters) = (spec.overflow, || Arc::clone(&spec.counters));
    let featuriser = Featuriser::new(&spec.recipe.featuriser, sample_rate)?;
    let example = featuriser.empty_window();
    let level = Arc::new(InputLevel::default());

    // one that a busy stage has not come to yet, and one that follows it
    let (inputs, rings) = bounded(2);
    let (successors, succession) = bounded(1);
    let (outlet, inlet) = window_channel(&example, overflow, counters());
    let (ended, sink_ends) = bounded(sinks.len().max(1));
    let mut all_outlets = spawn_sinks(sinks, spec, &ended)?;
    all_outlets.extend(outlets);
    let outputs = Arc::new(Fanout::new(all_outlets, overflow));
    let sinks = outputs.metrics();
    spec.board.set_sinks(sinks.clone());
    let (ready_sender, ready) = bounded(1);
    let (failed, failures) = bounded(STAGES);
    let (switch, hurry) = hurry();

    let meter = InputMeter::new(Arc::clone(&level));
    #[rustfmt::skip]
    let stage = FeatureStage {
        rings, successors: succession, takeover: None, spec: spec.recipe.featuriser.clone(), featuriser, outlet, tap, meter,
        counters: counters(), hurry: hurry.clone(),
    };
    let features = StageThread::spawn("tympan-features", failed.clone(), || stage.run())?;

    let board = Arc::clone(&spec.board);
    let publisher = Publisher { outputs: Arc::clone(&outputs), board, on_window };
    #[rustfmt::skip]
    let stage = ClassifyStage {
        scorer, rules: spec.recipe.rules.clone(), source, sample_rate, example,
        hop_frames: spec.recipe.featuriser.window.hop_frames as u64, inlet, publisher, ready: ready_sender,
        counters: counters(), hurry,
    };
    let classify = StageThread::spawn("tympan-classify", failed, || stage.run())?;

    #[rustfmt::skip]
    let pipeline = Pipeline {
        features, classify, ready, inputs, successors, outputs, failures, sink_ends, level, hurry: switch, sinks,
    };
    Ok(pipeline)
}

fn spawn_sinks(
    sinks: Vec<Box<dyn Sink>>,
    spec: &PipelineSpec,
    ended: &Sender<SinkEnd>,
) -> Result<Vec<Box<dyn Outlet>>, LiveError> {
    let start = |sink| {
        let counters = Arc::clone(&spec.counters);
        let capacity = QueueCapacity::default();
        let handle = spawn_sink(sink, capacity, spec.overflow, counters, ended.clone())?;
        Ok(Box::new(handle) as Box<dyn Outlet>)
    };
    sinks.into_iter().map(start).collect::<Result<_, _>>().map_err(LiveError::SinkStart)
}
