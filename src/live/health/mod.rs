//! How the daemon does: the level of its inputs, the rules that make a state of it, the shared status that `tympan status`
//! prints, and what the service manager gets of it.

mod input_level;
mod level_meter;
mod shared_status;
mod sink_stalls;
mod state_rules;
pub(super) mod systemd;
mod wall_clock;
mod watchdog;

pub(crate) use input_level::{InputLevel, InputMeter};
pub(super) use level_meter::LevelMeter;
pub use shared_status::SharedStatus;
pub(super) use sink_stalls::{SinkStall, SinkStalls};
pub(super) use state_rules::{CounterSnapshot, Health, InputConditions, InputTiming, StateChange};
pub(super) use systemd::ServiceNotifier;
pub(super) use wall_clock::WallClock;
pub(super) use watchdog::Progress;
