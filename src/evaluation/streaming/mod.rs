//! How well the daemon does what people run it for: events in a long recording, where sounds come at known times in
//! background noise.
//!
//! [`Scene`] makes the recording, [`record_scenes`] has the network score it once, [`RecordedScene::replay`] makes events
//! of the scores as the daemon does, [`match_events`] holds them against the truth, and [`StreamingFigures`] and
//! [`FalseAlarmFigures`] count. [`sweep()`] replays with other settings.

mod bed;
mod event_classes;
mod figures;
mod matching;
mod recorded_scene;
mod scene;
mod scene_spec;
mod sounding_part;
mod sweep;

pub use event_classes::{EventClassFigures, Substitution};
pub use figures::{DelayFigures, FalseAlarmFigures, LabelAlarms, StreamingFigures};
pub use matching::{EventMatch, EventMatches, MatchRule, match_events};
pub use recorded_scene::{HeardScene, RecordedScene, record_scenes};
pub use scene::{Scene, ScenePiece, TrueEvent, scene_groups};
pub use scene_spec::SceneSpec;
pub use sounding_part::{SoundingPart, sounding_part};
pub use sweep::{SweepChoice, SweepPoint, sweep};
