//! The thread `tympan-classify`: scores the windows of all inputs with one scorer, and makes records of each input's scores
//! with its tracker. Fed by the feature stages, feeds the outputs.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::mel_columns::MelColumns;
use super::stage_thread::CancelToken;
use super::window_channel::{StageTimes, StreamItem, WINDOWS_WAITING, WindowInlet, WindowObserver};
use crate::domain::{
    InputCounters, LiveRecord, MelWindow, Published, Record, Scores, WindowRecord,
};
use crate::features::FeaturiserSpec;
use crate::live::LiveError;
use crate::live::event::SupervisorEvent;
use crate::live::health::SharedStatus;
use crate::live::pipeline_spec::PreparedScorer;
use crate::recognition::{BatchScorer, DetectorSpec, Scorer, ScorerError, Tracker};
use crate::sinks::{Fanout, LiveDemand};

/// Windows that are scored in one go, each of another input. The first of them is late by what all of them take, about 1 ms.
const BATCH: usize = 16;

/// The body of the thread.
pub(super) struct ClassifyStage {
    pub(super) scorer: Box<dyn Scorer>,
    pub(super) detector: DetectorSpec,
    pub(super) inputs: Vec<ClassifyInput>,
    /// Rings when an input has something.
    pub(super) rings: Receiver<()>,
    /// A window of the right shape.
    pub(super) example: MelWindow,
    pub(super) featuriser: FeaturiserSpec,
    /// Holds the model of a reload before any input announces its windows.
    pub(super) models: Receiver<PreparedScorer>,
    pub(super) publisher: Publisher,
    pub(super) events: Sender<SupervisorEvent>,
    pub(super) cancel: CancelToken,
}

/// What the stage keeps of one input.
pub(super) struct ClassifyInput {
    inlet: WindowInlet,
    tracker: Tracker,
    counters: Arc<InputCounters>,
    progress: InputProgress,
}

#[derive(Clone, Copy, PartialEq)]
enum InputProgress {
    /// Its windows are for the present model.
    Open,
    /// Its windows are for the next model. They wait until all inputs are here, so that the old model scores everything
    /// that was captured before.
    AwaitsSwap,
    /// Its feature stage has ended.
    Closed,
}

impl ClassifyInput {
    pub(super) fn new(inlet: WindowInlet, tracker: Tracker, counters: Arc<InputCounters>) -> Self {
        Self { inlet, tracker, counters, progress: InputProgress::Open }
    }
}

impl ClassifyStage {
    /// Warms up, reports it, and works until the feature stages have ended or the scorer fails. Whatever happens, events
    /// that began end.
    pub(super) fn run(self) -> Result<(), LiveError> {
        let Self { mut scorer, detector, example, featuriser, events, cancel, .. } = self;
        let hop_frames = featuriser.window.hop_frames as u64;
        warm_up(&mut *scorer, example, hop_frames, &cancel)?;
        let mut classify = ClassifyLoop {
            scorer: BatchScorer::new(scorer, &detector)?,
            inputs: self.inputs,
            rings: self.rings,
            models: self.models,
            publisher: self.publisher,
            columns: MelColumns::new(&featuriser),
            events,
            cancel,
            windows: Vec::with_capacity(BATCH),
            origins: Vec::with_capacity(BATCH),
        };
        // the supervisor may have been stopped meanwhile
        let _ = classify.events.send(SupervisorEvent::ScorerReady);
        let outcome = classify.run();
        let ClassifyLoop { inputs, publisher, .. } = &mut classify;
        for input in inputs {
            input.tracker.finish(&mut |published| publisher.outputs.publish(published));
        }
        Ok(outcome?)
    }
}

/// Completes the records of windows and hands everything to the outputs.
pub(super) struct Publisher {
    pub(super) outputs: Arc<Fanout>,
    pub(super) status: Arc<SharedStatus>,
    pub(super) on_window: Option<WindowObserver>,
}

impl Publisher {
    /// Publishes what came of a window that has just been scored.
    fn publish(
        &mut self,
        mut published: Published,
        (arrival, inferred): (Instant, Instant),
        origin: &Origin,
        demand: LiveDemand,
    ) {
        if let Record::Window(window) = &mut published.record {
            let scored = Instant::now();
            let latency = scored.saturating_duration_since(arrival);
            window.latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            if let Some(on_window) = &mut self.on_window {
                let Origin { featured, taken, .. } = *origin;
                on_window(window, StageTimes { arrival, featured, taken, inferred, scored });
            }
            self.status.window_published(origin.input, window, arrival);
            if demand.reasons {
                let reasons = std::mem::take(&mut window.reasons);
                let with_reasons = WindowRecord { reasons, ..window.clone() };
                self.outputs.publish_live(&LiveRecord::Window(with_reasons));
            }
        }
        self.outputs.publish(published);
    }
}

/// Where a window came from.
struct Origin {
    input: usize,
    featured: Instant,
    taken: Instant,
}

/// The stage once it is warm.
struct ClassifyLoop {
    scorer: BatchScorer,
    inputs: Vec<ClassifyInput>,
    rings: Receiver<()>,
    models: Receiver<PreparedScorer>,
    publisher: Publisher,
    /// None where the model takes the waveform.
    columns: Option<MelColumns>,
    events: Sender<SupervisorEvent>,
    cancel: CancelToken,
    /// Windows that were waiting, to be scored in one go; [`BATCH`] at most.
    windows: Vec<MelWindow>,
    /// `[windows]`
    origins: Vec<Origin>,
}

impl ClassifyLoop {
    fn run(&mut self) -> Result<(), ScorerError> {
        while self.inputs.iter().any(|input| input.progress == InputProgress::Open) {
            if !self.take_waiting()? {
                // one of the outlets is still there to ring it, or its end is seen above
                let _ = self.rings.recv();
            }
        }
        Ok(())
    }

    /// Takes one item of each input that has one, and scores windows as soon as a few are there: a batch makes the first of them
    /// late. Whether there was any.
    fn take_waiting(&mut self) -> Result<bool, ScorerError> {
        let mut has_taken = false;
        for input in 0..self.inputs.len() {
            if self.inputs[input].progress != InputProgress::Open {
                continue;
            }
            match self.inputs[input].inlet.items.try_recv() {
                Ok(item) => self.accept(input, item)?,
                Err(TryRecvError::Empty) => continue,
                Err(TryRecvError::Disconnected) => {
                    self.score_batch()?;
                    self.close(input);
                }
            }
            has_taken = true;
            if self.windows.len() == BATCH {
                self.score_batch()?;
            }
        }
        self.score_batch()?;
        Ok(has_taken)
    }

    fn accept(&mut self, input: usize, item: StreamItem) -> Result<(), ScorerError> {
        match item {
            StreamItem::Window { window, featured } => {
                self.windows.push(window);
                self.origins.push(Origin { input, featured, taken: Instant::now() });
            }
            StreamItem::Gap(gap) => {
                self.score_batch()?;
                let outputs = &self.publisher.outputs;
                let publish = &mut |published| outputs.publish(published);
                self.inputs[input].tracker.gap(gap, publish);
            }
            StreamItem::ModelSwap(inlet) => {
                self.score_batch()?;
                let input = &mut self.inputs[input];
                input.progress = InputProgress::AwaitsSwap;
                if let Some(inlet) = inlet {
                    input.inlet = inlet;
                }
                self.swap_model();
            }
        }
        Ok(())
    }

    /// Ends an input whose feature stage has ended.
    fn close(&mut self, input: usize) {
        let outputs = &self.publisher.outputs;
        let input = &mut self.inputs[input];
        input.progress = InputProgress::Closed;
        input.tracker.finish(&mut |published| outputs.publish(published));
        self.swap_model();
    }

    /// Goes on with the model of a reload, once every input that is left awaits it.
    fn swap_model(&mut self) {
        if self.inputs.iter().any(|input| input.progress == InputProgress::Open) {
            return;
        }
        let Ok(PreparedScorer { scorer, rules, featuriser }) = self.models.try_recv() else {
            return;
        };
        self.scorer = scorer;
        self.columns = MelColumns::new(&featuriser);
        let outputs = &self.publisher.outputs;
        for input in &mut self.inputs {
            let publish = &mut |published| outputs.publish(published);
            input.tracker.swap_rules(rules.clone(), publish);
            if input.progress == InputProgress::AwaitsSwap {
                input.progress = InputProgress::Open;
            }
        }
        // the supervisor may have been stopped meanwhile
        let _ = self.events.send(SupervisorEvent::ModelSwapped);
    }

    /// Scores the windows at hand, gives each to the tracker of its input, and gives their buffers back.
    fn score_batch(&mut self) -> Result<(), ScorerError> {
        let Self { scorer, inputs, publisher, columns, windows, origins, .. } = self;
        let demand = publisher.outputs.live_demand();
        if self.cancel.is_cancelled() {
            for origin in origins.iter() {
                inputs[origin.input].counters.windows_skipped.add(1);
            }
        } else if !windows.is_empty() {
            let mut each = origins.iter();
            let mut inferred = None;
            scorer.score(windows, &mut |window, scores| {
                let inferred = *inferred.get_or_insert_with(Instant::now);
                let origin = each.next().expect("invariant: one origin a window");
                let tracker = &mut inputs[origin.input].tracker;
                tracker.set_gives_reasons(demand.reasons);
                tracker.push(window, scores, &mut |published| {
                    publisher.publish(published, (window.arrival, inferred), origin, demand);
                })?;
                if demand.mel
                    && let Some(columns) = columns
                {
                    let column = columns.column(window, Arc::clone(tracker.source()));
                    publisher.outputs.publish_live(&LiveRecord::Mel(column));
                }
                Ok(())
            })?;
            for origin in origins.iter() {
                inputs[origin.input].counters.windows_scored.add(1);
            }
        }
        for (window, origin) in windows.drain(..).zip(origins.drain(..)) {
            // Never full: there are as many places as buffers. The feature stage may have ended.
            let _ = inputs[origin.input].inlet.spent.try_send(window);
        }
        Ok(())
    }
}

/// Windows scored before the first real one. The first 2 to 20 runs of a network are slow: memory is found, kernels are
/// chosen for the shapes.
pub const WARM_UP_WINDOWS: u64 = WARM_UP_SEGMENTS * (WINDOWS_WAITING as u64 + 1);

/// The warm-up windows come in this many segments, counted down from `u64::MAX`, where no real segment ever is: a
/// scorer that keeps what it computed can never take it for a part of real audio. Several, so that both the first
/// window of a segment and those that follow are warm, alone and together.
pub const WARM_UP_SEGMENTS: u64 = 4;

/// Has a scorer score [`WARM_UP_WINDOWS`] windows like `example`.
pub(in crate::live) fn warm_up(
    scorer: &mut dyn Scorer,
    example: MelWindow,
    hop_frames: u64,
    cancel: &CancelToken,
) -> Result<(), ScorerError> {
    let began = Instant::now();
    let in_a_segment = WINDOWS_WAITING + 1;
    let mut windows = vec![example; in_a_segment];
    let mut scores = vec![Scores::zeros(scorer.labels().len()); in_a_segment];
    for segment in (0..WARM_UP_SEGMENTS).take_while(|_| !cancel.is_cancelled()) {
        for (window, hops) in windows.iter_mut().zip(0..) {
            window.segment = u64::MAX - segment;
            window.start_frame = hops * hop_frames;
        }
        // one by one, and as many at a time as can have waited
        let at_a_time = if segment % 2 == 0 { 1 } else { WINDOWS_WAITING };
        scorer.score_into(&windows[..1], &mut scores[..1])?;
        let rest = windows[1..].chunks(at_a_time).zip(scores[1..].chunks_mut(at_a_time));
        for (windows, scores) in rest.take_while(|_| !cancel.is_cancelled()) {
            scorer.score_into(windows, scores)?;
        }
    }
    log::debug!("the scorer is warm after {WARM_UP_WINDOWS} windows in {:?}", began.elapsed());
    Ok(())
}
