//! How well the daemon does what people run it for: events in a long recording, where sounds come at known times in
//! background noise.
//!
//! [`Scene`] makes the recording, [`score_each_scene`] has the network score it once, [`ScoredScene::replay`] makes events
//! of the scores as the daemon does, [`match_events`] holds them against the truth, and [`StreamingFigures`],
//! [`EventScores`] and [`FalseAlarmFigures`] count. [`psds()`] scores
//! all thresholds at once, [`operating_points()`] the best of them at a price, and [`sweep()`] replays with other settings.

mod background_track;
mod event_classes;
mod event_scores;
mod false_alarms;
mod figures;
mod matching;
mod operating_points;
mod psds;
mod scene;
mod scene_spec;
mod score_table;
mod scored_scene;
mod sounding_part;
mod sweep;

pub use event_classes::{EventClassFigures, Substitution};
pub use event_scores::{EventCollar, EventScores};
pub use false_alarms::{FalseAlarmFigures, LabelAlarms, upper_rate_per_hour};
pub use figures::{DelayFigures, StreamingFigures};
pub use matching::{EventMatch, EventMatches, MatchRule, match_events};
pub use operating_points::{OperatingPoint, operating_points};
pub use psds::{CrossTriggers, PsdsSpec, psds};
pub use scene::{Scene, ScenePiece, TrueEvent, scene_groups};
pub use scene_spec::SceneSpec;
pub use score_table::ScoreTable;
pub use scored_scene::{SceneDetections, ScoredScene, score_each_scene};
pub use sounding_part::{SoundingPart, sounding_part};
pub use sweep::{SweepChoice, SweepPoint, sweep};
