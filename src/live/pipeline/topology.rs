//! The map of the running daemon: every stage, every channel between them, in one function. Called by the daemon; the
//! supervisor gets the ends that it needs.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::classify_stage::{ClassifyInput, ClassifyStage, Publisher};
use super::feature_stage::FeatureStage;
use super::stage_thread::{CancelGuard, CancelToken, StageThread, cancellation};
use super::window_channel::{Bell, WindowObserver, window_channel};
use crate::domain::MelWindow;
use crate::features::{Featuriser, FeaturiserSpec};
use crate::live::event::SupervisorEvent;
use crate::live::health::{InputLevel, InputMeter};
use crate::live::pipeline_spec::{PreparedModel, PreparedScorer};
use crate::live::{DaemonInput, LiveError, PipelineSpec};
use crate::recognition::{EventIds, Scorer, Tracker};
use crate::sinks::{Fanout, Outlet, QueueCapacity, Sink, SinkMetrics, spawn_sink};
use crate::sources::SampleConsumer;

/// What a pipeline connects, but for its inputs.
pub(in crate::live) struct PipelineEnds {
    pub(in crate::live) scorer: Box<dyn Scorer>,
    pub(in crate::live) sinks: Vec<Box<dyn Sink>>,
    pub(in crate::live) outlets: Vec<Box<dyn Outlet>>,
    pub(in crate::live) on_window: Option<WindowObserver>,
}

/// The ends of one input.
pub(in crate::live) struct InputEnds {
    /// Takes a ring for each time that the source is opened.
    pub(in crate::live) rings: Sender<SampleConsumer>,
    pub(in crate::live) level: Arc<InputLevel>,
}

/// The ends that the supervisor holds.
pub(in crate::live) struct Pipeline {
    /// `[inputs]`
    pub(in crate::live) features: Vec<StageThread>,
    pub(in crate::live) classify: StageThread,
    pub(in crate::live) reload: ReloadEnds,
    /// Where records go; the supervisor's are the first, the last, and the statuses in between.
    pub(in crate::live) outputs: Arc<Fanout>,
    pub(in crate::live) cancel: CancelGuard,
    pub(in crate::live) sinks: Vec<Arc<SinkMetrics>>,
}

/// Where the model of a reload goes.
pub(in crate::live) struct ReloadEnds {
    models: Sender<PreparedScorer>,
    /// `[inputs]`
    featurisers: Vec<Sender<FeaturiserSpec>>,
}

impl ReloadEnds {
    /// Hands a model to the stages. Each feature stage announces it among its windows; once all have, the classify stage
    /// swaps it in and sends [`SupervisorEvent::ModelSwapped`].
    pub(in crate::live) fn swap_model(&self, model: PreparedModel) {
        let PreparedModel { featuriser, scorer } = model;
        // room for the only one there is; a stage that has ended ends the daemon
        let _ = self.models.try_send(scorer);
        for input in &self.featurisers {
            let _ = input.try_send(featuriser.clone());
        }
    }
}

/// The channel that every part of the daemon reports to the supervisor through. Without a bound, so that no thread ever
/// waits for the supervisor: each sends once for each job that it was given, so the channel stays short.
pub(in crate::live) fn event_channel() -> (Sender<SupervisorEvent>, Receiver<SupervisorEvent>) {
    unbounded()
}

/// Starts every stage: for each input ring → features → four windows, then classify → a queue a sink, and the sockets.
///
/// Nothing moves before a ring is sent and filled. With all rings at their end, dropping their senders ends all of it, stage
/// by stage.
pub(in crate::live) fn spawn(
    spec: &PipelineSpec,
    inputs: &mut [DaemonInput],
    ends: PipelineEnds,
    events: &Sender<SupervisorEvent>,
) -> Result<(Pipeline, Vec<InputEnds>), LiveError> {
    let PipelineEnds { scorer, sinks, outlets, on_window } = ends;
    let (guard, cancel) = cancellation();
    let mut all_outlets = spawn_sinks(sinks, spec, events)?;
    for outlet in &outlets {
        let events = events.clone();
        // the supervisor may have ended
        outlet.on_end(Box::new(move |end| drop(events.send(end.into()))));
    }
    all_outlets.extend(outlets);
    let outputs = Arc::new(Fanout::new(all_outlets, spec.overflow));
    let sinks = outputs.metrics();
    let counters =
        inputs.iter().map(|input| (Arc::clone(&input.name), Arc::clone(&input.counters)));
    spec.status.set_pipeline(counters, Arc::clone(&spec.counters), sinks.clone());

    let (ids, (bell, rings)) = (EventIds::default(), Bell::new());
    let mut spawned = Vec::with_capacity(inputs.len());
    for input in inputs {
        spawned.push(spawn_features(input, spec, events, &ids, &bell, &cancel)?);
    }
    let example = spawned[0].example.clone();
    let (mut features, mut classify_inputs) = (Vec::new(), Vec::new());
    let (mut featurisers, mut input_ends) = (Vec::new(), Vec::new());
    for SpawnedInput { thread, classify, featuriser, ends, .. } in spawned {
        features.push(thread);
        classify_inputs.push(classify);
        featurisers.push(featuriser);
        input_ends.push(ends);
    }

    let (models, prepared) = bounded(1);
    let status = Arc::clone(&spec.status);
    let stage = ClassifyStage {
        scorer,
        detector: spec.recipe.rules.detector.clone(),
        inputs: classify_inputs,
        rings,
        example,
        featuriser: spec.recipe.featuriser.clone(),
        models: prepared,
        publisher: Publisher { outputs: Arc::clone(&outputs), status, on_window },
        events: events.clone(),
        cancel,
    };
    let classify = StageThread::spawn("tympan-classify", events.clone(), || stage.run())?;
    let reload = ReloadEnds { models, featurisers };
    Ok((Pipeline { features, classify, reload, outputs, cancel: guard, sinks }, input_ends))
}

/// The feature stage of one input, and what belongs to it elsewhere.
struct SpawnedInput {
    thread: StageThread,
    classify: ClassifyInput,
    featuriser: Sender<FeaturiserSpec>,
    ends: InputEnds,
    /// A window of the right shape.
    example: MelWindow,
}

fn spawn_features(
    input: &mut DaemonInput,
    spec: &PipelineSpec,
    events: &Sender<SupervisorEvent>,
    ids: &EventIds,
    bell: &Bell,
    cancel: &CancelToken,
) -> Result<SpawnedInput, LiveError> {
    let (name, sample_rate) = (Arc::clone(&input.name), input.source.sample_rate());
    let recipe = &spec.recipe;
    let featuriser = Featuriser::new(&recipe.featuriser, sample_rate)?;
    let example = featuriser.empty_window();
    let level = Arc::new(InputLevel::default());
    // one that a busy stage has not come to yet, and one that follows it
    let (rings, ring_receiver) = bounded(2);
    let (featurisers, featuriser_receiver) = bounded(1);
    let (outlet, inlet) =
        window_channel(&example, spec.overflow, Arc::clone(&input.counters), bell.clone());
    let stage = FeatureStage {
        rings: ring_receiver,
        featurisers: featuriser_receiver,
        spec: recipe.featuriser.clone(),
        featuriser,
        outlet,
        tap: input.tap.take(),
        meter: InputMeter::new(Arc::clone(&level)),
        counters: Arc::clone(&input.counters),
        cancel: cancel.clone(),
    };
    let thread = StageThread::spawn("tympan-features", events.clone(), || stage.run())?;
    let tracker = Tracker::new(recipe.rules.clone(), name, sample_rate, ids.clone());
    let counters = Arc::clone(&input.counters);
    Ok(SpawnedInput {
        thread,
        classify: ClassifyInput::new(inlet, tracker, counters),
        featuriser: featurisers,
        ends: InputEnds { rings, level },
        example,
    })
}

fn spawn_sinks(
    sinks: Vec<Box<dyn Sink>>,
    spec: &PipelineSpec,
    events: &Sender<SupervisorEvent>,
) -> Result<Vec<Box<dyn Outlet>>, LiveError> {
    let start = |sink| {
        let counters = Arc::clone(&spec.counters);
        let capacity = QueueCapacity::default();
        let handle = spawn_sink(sink, capacity, spec.overflow, counters, events.clone())?;
        Ok(Box::new(handle) as Box<dyn Outlet>)
    };
    sinks.into_iter().map(start).collect::<Result<_, _>>().map_err(LiveError::SinkStart)
}
