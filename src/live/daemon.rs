//! The daemon as a command sees it: what it is made of. Runs on the thread that calls it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::health::InputTiming;
use super::input::Input;
use super::pipeline::{self, InputEnds, PipelineEnds, WindowObserver};
use super::reloading::{Reload, Reloading};
use super::supervisor::Supervisor;
use super::{DaemonInput, LiveError, Outcome, PipelineSpec};
use crate::domain::Overflow;
use crate::recognition::Scorer;
use crate::sinks::{Outlet, Sink};

/// Sources, a scorer and sinks, not yet joined.
pub struct Daemon {
    /// Where audio comes from, at least one; all share the scorer.
    pub inputs: Vec<DaemonInput>,
    /// How it gets another configuration and model while it runs; without it, it never does.
    pub reload: Option<Reload>,
    /// What scores; moves to the thread `tympan-classify`.
    pub scorer: Box<dyn Scorer>,
    /// Where records go that may block; each gets a queue and a thread.
    pub sinks: Vec<Box<dyn Sink>>,
    /// Where records go that never block: called on the thread that publishes.
    pub outlets: Vec<Box<dyn Outlet>>,
    /// How it runs.
    pub spec: PipelineSpec,
    /// Set it to end the daemon: within a second, even if a sink blocks; three if the scorer itself hangs.
    pub stop: Arc<AtomicBool>,
    /// Sees every window record as it is published.
    pub on_window: Option<WindowObserver>,
}

impl Daemon {
    /// Warms the scorer up, starts the sources, and runs until they end, [`Self::stop`] is set, the reader of a sink is
    /// gone, or something fails.
    ///
    /// However it ends: events that began end, `stopping` is the last record, and every sink has been flushed or, if it
    /// blocks, left behind. The first record is `listening`. With [`Overflow::Block`] a
    /// sink that blocks is waited for until a stop is asked for.
    ///
    /// # Errors
    /// [`LiveError`]: what the stages cannot be built from, a source that does not start, or is lost and cannot be
    /// reopened, a scorer that fails, a sink that failed for good.
    pub fn run(self) -> Result<Outcome, LiveError> {
        let Self { mut inputs, reload, scorer, sinks, outlets, spec, stop, on_window } = self;
        let (sender, events) = pipeline::event_channel();
        let ends = PipelineEnds { scorer, sinks, outlets, on_window };
        let (pipeline, input_ends) = pipeline::spawn(&spec, &mut inputs, ends, &sender)?;
        let (mut running, mut sources) = (Vec::new(), Vec::new());
        for (input, ends) in inputs.into_iter().zip(input_ends) {
            let DaemonInput {
                name, source, description, reopen, is_stream, ring, counters, ..
            } = input;
            let InputEnds { rings, level } = ends;
            running.push(Input {
                index: running.len(),
                name,
                description,
                sample_rate: source.sample_rate(),
                reopen,
                timing: match spec.overflow {
                    Overflow::DropNewest => InputTiming::Live,
                    Overflow::Block if is_stream => InputTiming::Stream,
                    Overflow::Block => InputTiming::Recording,
                },
                silent_after: spec.silent_after,
                ring,
                rings: Some(rings),
                level,
                counters,
                events: sender.clone(),
                state: Input::lost(Instant::now()),
            });
            sources.push(source);
        }
        let inputs = running;
        let reloading = reload.map(|reload| Reloading::new(reload, sender));
        Supervisor { inputs, reloading, spec, stop, pipeline, events }.run(sources)
    }
}
