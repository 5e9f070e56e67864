//! Layer 5: the daemon: a source, two stages on threads of their own, sinks, and the supervisor that watches them.
//!
//! [`Daemon::run`] is fed a source, a scorer and sinks by a command, and runs until the source ends, somebody asks for
//! the end, or something fails. `topology` is the map: it wires every stage in one function. What happens on a full
//! queue is one choice for the whole pipeline, [`Overflow`](crate::domain::Overflow): live, losses are counted and
//! nothing upstream waits; offline (a file as fast as possible), everybody waits and nothing is lost.
//!
//! The end is an order of drops: the source closes the ring, so `tympan-features` drains it and drops its sender, so
//! `tympan-classify` drains and ends what is open; then the supervisor publishes the last status and closes the outputs.

mod classify_stage;
mod daemon;
mod error;
mod feature_stage;
mod health;
mod heard;
mod hurry;
mod input_meter;
mod nap;
mod pipeline_spec;
mod recipe;
mod reloading;
mod reopening;
mod shutdown;
mod stage_thread;
mod stalls;
mod status_board;
mod supervisor;
mod systemd;
mod takeover;
mod topology;
mod watchdog;
mod watched;
mod window_outlet;

pub use classify_stage::{WARM_UP_SEGMENTS, WARM_UP_WINDOWS};
pub use daemon::{Daemon, Outcome};
pub use error::LiveError;
pub use heard::{StageTimes, WindowObserver};
pub use pipeline_spec::PipelineSpec;
pub use recipe::Recipe;
pub use reloading::{Reload, Reloaded};
pub use reopening::Reopen;
pub use status_board::StatusBoard;
