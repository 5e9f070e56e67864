//! The daemon as a command sees it: what it is made of, and how it ended. Runs on the thread that calls it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::LiveError;
use super::heard::WindowObserver;
use super::pipeline_spec::PipelineSpec;
use super::reloading::{Reload, Reloading};
use super::reopening::Reopen;
use super::supervisor::Supervisor;
use super::topology::{self, PipelineEnds};
use crate::recognition::Scorer;
use crate::sinks::{AudioTap, Outlet, Sink};
use crate::sources::Source;

/// A source, a scorer and sinks, not yet joined.
pub struct Daemon {
    /// What is listened to. Its pace has to match [`PipelineSpec::overflow`].
    pub source: Box<dyn Source>,
    /// How it is opened again after a loss; without it, a lost source ends the daemon.
    pub reopen: Option<Reopen>,
    /// How it gets another configuration and model while it listens; without it, it never does.
    pub reload: Option<Reload>,
    /// What scores; moves to the thread `tympan-classify`.
    pub scorer: Box<dyn Scorer>,
    /// Where records go that may block; each gets a queue and a thread.
    pub sinks: Vec<Box<dyn Sink>>,
    /// Where records go that never block: called on the thread that publishes.
    pub outlets: Vec<Box<dyn Outlet>>,
    /// Where samples go beside the front end, for a sink that records them.
    pub tap: Option<AudioTap>,
    /// How it listens.
    pub spec: PipelineSpec,
    /// Set it to end the daemon: within a second, even if a sink blocks; three if the scorer itself hangs.
    pub stop: Arc<AtomicBool>,
    /// Sees every window record as it is published.
    pub on_window: Option<WindowObserver>,
}

/// How a daemon ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The source came to its end, and all of it was heard.
    SourceEnded,
    /// It was asked to.
    Stopped,
    /// Nobody reads standard output any more.
    ReaderGone,
}

impl Daemon {
    /// Warms the scorer up, starts the source, and listens until the source ends, [`Self::stop`] is set, the reader of
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
        let (name, sample_rate) = (Arc::<str>::from(source.name()), source.sample_rate());
        let ends = PipelineEnds {
            source: name.clone(),
            sample_rate,
            scorer,
            sinks,
            outlets,
            tap,
            on_window,
        };
        let pipeline = topology::spawn(&spec, ends)?;
        let reloading =
            reload.map(|reload| Reloading::new(reload, name.clone(), pipeline.successors.clone()));
        Supervisor { name, sample_rate, reopen, reloading, spec, stop, pipeline }.run(source)
    }
}
