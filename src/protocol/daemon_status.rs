//! The daemon's own account of itself, as `tympan status` prints it. Made from `live::SharedStatus`, sent over the socket to
//! whoever asks, read again by the command.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{SampleRate, State};

/// A running daemon, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// When this was written.
    pub time: Timestamp,
    /// The program's version.
    pub version: String,
    /// Its process.
    pub process: u32,
    /// When the daemon was started.
    pub started: Timestamp,
    /// How long ago that was, whatever the wall clock did since.
    #[serde(default)]
    pub up_s: u64,
    /// Processor time it has used since it was started, of all its threads, in seconds.
    #[serde(default)]
    pub cpu_s: f64,
    /// Its state, as in the last status record.
    pub state: State,
    /// That state in words.
    pub detail: String,
    /// Since when it has been in that state.
    pub since: Timestamp,
    /// How long ago that was, whatever the wall clock did since.
    #[serde(default)]
    pub state_s: u64,
    /// The source in words.
    pub device: String,
    /// The source's rate.
    pub sample_rate_hz: SampleRate,
    /// The bundle's name.
    pub model: String,
    /// Level of the newest window in dB of full scale; none before the first.
    pub level_dbfs: Option<f32>,
    /// Every counter by its name.
    pub counters: BTreeMap<String, u64>,
    /// From a window's last sample to the publication of its record, over the last five to ten minutes.
    pub latency: LatencyStatus,
    /// Where records go.
    pub sinks: Vec<SinkStatus>,
    /// Every input; the fields above are those of the one that loses most, and sums.
    #[serde(default)]
    pub inputs: Vec<InputStatus>,
    /// How the last reload went; none: there was none.
    pub reload: Option<ReloadStatus>,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputStatus {
    /// Its name, the `source` of its records.
    pub name: String,
    /// Its state, as in its last status record.
    pub state: State,
    /// That state in words.
    pub detail: String,
    /// Since when it has been in that state.
    pub since: Timestamp,
    /// How long ago that was, whatever the wall clock did since.
    pub state_s: u64,
    /// Whether its source has delivered everything, or failed for good.
    #[serde(default, rename = "ended")]
    pub has_ended: bool,
    /// The source in words.
    pub device: String,
    /// The source's rate.
    pub sample_rate_hz: SampleRate,
    /// Level of the newest window in dB of full scale; none before the first.
    pub level_dbfs: Option<f32>,
    /// Each of its counters by name.
    pub counters: BTreeMap<String, u64>,
}

/// Percentiles of latency.
///
/// # Units
/// Microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyStatus {
    /// Windows that were measured.
    pub windows: u64,
    /// Half of them took at most this.
    pub p50_us: u64,
    /// 90 % did.
    pub p90_us: u64,
    /// 99 % did.
    pub p99_us: u64,
    /// 99.9 % did.
    pub p999_us: u64,
    /// All did.
    pub max_us: u64,
}

/// One sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// Whether its last write failed, and is tried again, or it is stalled.
    #[serde(rename = "fails")]
    pub is_failing: bool,
    /// For how long it has been in one write, if it is stalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_s: Option<u64>,
    /// Records that were dropped because it could not take them.
    #[serde(rename = "lost")]
    pub dropped: u64,
    /// Records that wait for it.
    #[serde(default)]
    pub queued: u64,
}

/// The last reload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadStatus {
    /// When it ended.
    pub time: Timestamp,
    /// How long ago that was, whatever the wall clock did since.
    #[serde(default)]
    pub ago_s: u64,
    /// Whether the new configuration is in force.
    pub succeeded: bool,
    /// How many have succeeded since the start, with this one.
    #[serde(default)]
    pub succeeded_so_far: u64,
    /// How many have failed since the start, with this one.
    #[serde(default)]
    pub failed_so_far: u64,
    /// What changed, or what was wrong.
    pub detail: String,
}

impl DaemonStatus {
    /// What a person wants to know first.
    pub fn in_a_line(&self) -> String {
        let level = self.level_dbfs.map(|level| format!(", {level:.0} dBFS")).unwrap_or_default();
        let scored = self.counters.get("windows_scored").copied().unwrap_or_default();
        format!("{}: {}{level}, {scored} windows scored", self.state, self.device)
    }
}
