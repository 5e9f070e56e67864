//! What Linux knows of this process: when it started, the most memory it held, and the processor time of its threads.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Ticks a second in `/proc`: Linux fixes what programs see at 100, whatever the kernel's own clock.
pub const TICKS_PER_SECOND: u64 = 100;

/// When this process was started, to 20 ms: the program's loading comes before its first instruction. Where Linux does not
/// report it, `now`.
pub fn process_started(now: Instant) -> Instant {
    age().and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

fn age() -> Option<Duration> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let started = stat_field(22)? as f64 / TICKS_PER_SECOND as f64;
    Duration::try_from_secs_f64(uptime - started).ok()
}

/// Processor time of all threads there ever were, in ticks.
pub fn cpu_ticks() -> Option<u64> {
    Some(stat_field(14)? + stat_field(15)?)
}

/// A field of `/proc/self/stat`, numbered as proc(5) does.
fn stat_field(number: usize) -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // the program's name comes second, in brackets, and may hold spaces
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

/// The most memory this process ever had resident, libraries included.
pub fn peak_resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Processor time of every thread at one moment.
#[derive(Debug, Clone)]
pub struct CpuReading {
    at: Instant,
    /// By thread id: its name and nanoseconds.
    threads: BTreeMap<u64, (String, u64)>,
}

impl CpuReading {
    /// Reads it; nothing where the kernel does not keep it.
    pub fn take() -> Option<Self> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task").ok()? {
            let task = task.ok()?;
            let id = task.file_name().to_str()?.parse().ok()?;
            let of = |file: &str| fs::read_to_string(task.path().join(file));
            // a thread may end while it is looked at
            let (Ok(name), Ok(times)) = (of("comm"), of("schedstat")) else { continue };
            let nanos = times.split_whitespace().next()?.parse().ok()?;
            threads.insert(id, (name.trim_end().to_owned(), nanos));
        }
        (!threads.is_empty()).then(|| Self { at: Instant::now(), threads })
    }

    /// What the daemon's threads used since `earlier`, without those of the names in `measuring`.
    pub fn share_since(&self, earlier: &Self, measuring: &[&str]) -> CpuShare {
        let lasted = self.at.saturating_duration_since(earlier.at).as_nanos().max(1) as f64;
        let mut shares = BTreeMap::new();
        for (id, (name, nanos)) in &self.threads {
            if measuring.contains(&name.as_str()) {
                continue;
            }
            let before = earlier.threads.get(id).map_or(0, |(_, nanos)| *nanos);
            *shares.entry(name.clone()).or_insert(0.0) +=
                nanos.saturating_sub(before) as f64 / lasted;
        }
        let mut threads: Vec<ThreadShare> = shares
            .into_iter()
            .map(|(thread, of_a_core)| ThreadShare { thread, of_a_core })
            .collect();
        threads.sort_by(|one, other| other.of_a_core.total_cmp(&one.of_a_core));
        CpuShare { of_a_core: threads.iter().map(|thread| thread.of_a_core).sum(), threads }
    }
}

/// Processor time over time, as a share of one core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CpuShare {
    /// The daemon: source, stages, sink, clients' thread, supervisor.
    pub of_a_core: f64,
    /// The same by thread, the busiest first.
    pub threads: Vec<ThreadShare>,
}

/// One thread's part, or that of several of one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadShare {
    /// Its name.
    pub thread: String,
    /// Its part.
    pub of_a_core: f64,
}
