//! Layer 6: a machine looked at before tympan runs on it: sound cards and servers, five seconds of audio, the time that a hop
//! takes, the service's unit, folders and clock.
//!
//! One file a check: its facts as plain data, how they are gathered, and a function that makes a [`Finding`] of them, which
//! always ends in what to do. What the system reports is read below a root folder, so that a test can make a machine of its
//! own. `assembly` opens the audio, and `tympan doctor` prints the [`Diagnosis`]; everything runs on the main thread, but for
//! what may hang in an audio host.

mod broker;
mod capture;
mod clock;
mod finding;
mod headroom;
mod hum;
mod input_devices;
mod level;
mod service_unit;
mod sound_cards;
mod sound_server;
mod storage;

pub use broker::broker_finding;
pub use capture::{Capture, capture};
pub use clock::Clock;
pub use finding::{Diagnosis, Finding, Verdict};
pub use headroom::{HopTimes, time_hops};
pub use input_devices::InputDevices;
pub use level::LevelMeasurement;
pub use service_unit::{ServiceNeeds, ServiceUnit, UnitKind};
pub use sound_cards::{CaptureNode, Holder, SoundCards};
pub use sound_server::{Reach, ServerSocket, SoundServer};
pub use storage::Storage;
