//! Layer 5: the daemon: sources, stages on threads of their own, sinks, and the supervisor that watches them.
//!
//! [`Daemon::run`] gets sources, a scorer and sinks, and runs until the sources end, a stop is asked for, or something
//! fails. `pipeline` turns samples into records; `input` opens sources, and opens them again; `health` judges how all of it
//! does. What happens on a full queue is one choice for the whole pipeline, [`Overflow`](crate::domain::Overflow): live,
//! losses are counted and nothing upstream waits; offline (a file as fast as possible), everybody waits and nothing is
//! lost.
//!
//! The end is an order of drops: the source closes the ring, so `tympan-features` drains it and drops its sender, so
//! `tympan-classify` drains and ends what is open; then the supervisor publishes the last status and closes the outputs.

mod builder;
mod daemon;
mod error;
mod event;
mod health;
mod input;
mod pipeline;
mod pipeline_spec;
mod reloading;
mod shutdown;
mod supervisor;

pub use builder::DaemonBuilder;
pub use daemon::Daemon;
pub use error::LiveError;
pub use health::SharedStatus;
pub(crate) use health::{InputLevel, InputMeter};
pub use input::Reopen;
pub use pipeline::{StageTimes, WARM_UP_SEGMENTS, WARM_UP_WINDOWS, WindowObserver};
pub use pipeline_spec::{DaemonInput, PipelineSpec, Recipe};
pub use reloading::{Reload, Reloaded};
pub use shutdown::Outcome;
