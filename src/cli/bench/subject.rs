//! What a report is about: a model, how it is scored, the build and the machine. Made from a bundle; a baseline of another
//! model or schedule cannot be compared.

use serde::{Deserialize, Serialize};

use crate::config::Engine;
use crate::model::Manifest;

/// What was measured, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The model's name.
    pub model: String,
    /// Its network and windows, in words.
    pub network: String,
    /// `incremental` or `from scratch`.
    pub schedule: String,
    /// The version of tympan, and whether it was built with optimisation.
    pub build: String,
    /// The processor's name and how many cores there are.
    pub machine: String,
}

impl Subject {
    /// A model on this machine.
    pub fn new(manifest: &Manifest, engine: Engine) -> Self {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        let schedule = match engine {
            Engine::Incremental => "incremental",
            Engine::Libtorch => "from scratch",
        };
        let window = &manifest.window;
        Self {
            model: manifest.name.clone(),
            network: format!(
                "{}; windows of {} frames, one every {}",
                manifest.network, window.frames, window.hop_frames
            ),
            schedule: schedule.to_owned(),
            build: format!("tympan {}, {profile} build", env!("CARGO_PKG_VERSION")),
            machine: format!("{}, {} cores", processor(), cores()),
        }
    }
}

/// Cores that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// As Linux names it; on ARM it often has no name.
fn processor() -> String {
    let list = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = list.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    named.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
