//! From samples to published records: a feature stage for each input, one classify stage, the channels between them.
//! `topology` is the map: it wires every stage in one function.

mod classify_stage;
mod feature_stage;
mod mel_columns;
mod poll_schedule;
mod stage_thread;
mod topology;
mod window_channel;

pub(super) use classify_stage::warm_up;
pub use classify_stage::{WARM_UP_SEGMENTS, WARM_UP_WINDOWS};
pub(super) use stage_thread::{CancelGuard, StageThread, cancellation};
pub(super) use topology::{InputEnds, Pipeline, PipelineEnds, ReloadEnds, event_channel, spawn};
pub use window_channel::{StageTimes, WindowObserver};
