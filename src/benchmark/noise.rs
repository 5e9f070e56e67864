//! Whether the machine was quiet enough to judge by: how late an idle thread was woken, what other processes used, what the
//! host stole. None of it depends on how fast tympan is. The idle thread is `tympan-wakes`, beside the daemon.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::latency::{micros, micros_histogram};
use super::own_process;

/// An idle machine wakes a thread some 0.1 ms late; beyond this the tail is the machine's, not tympan's.
const MAX_WAKE_P99_US: u64 = 1_000;
/// What a desktop with nobody at it uses stays below this share of all cores.
const MAX_OTHERS_SHARE: f64 = 0.1;
/// Time that the host gave to other machines.
const MAX_STEAL_SHARE: f64 = 0.01;

/// The thread's name, by which its processor time is left out.
pub(super) const WAKE_THREAD: &str = "tympan-wakes";

/// From deadline to deadline: 200 a second cost next to nothing, and give a p99 within three seconds.
const PERIOD: Duration = Duration::from_millis(5);

/// A running meter; dropping it ends it.
pub struct WakeMeter {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Histogram<u64>>>,
}

impl WakeMeter {
    /// Starts to measure.
    ///
    /// # Errors
    /// [`io::Error`] when the system has no thread left.
    pub fn spawn() -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread =
            thread::Builder::new().name(WAKE_THREAD.to_owned()).spawn(move || measure(&stopped))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends it, and gives how late it woke up, in microseconds.
    pub fn finish(mut self) -> Histogram<u64> {
        let measured = self.end();
        measured.unwrap_or_else(micros_histogram)
    }

    fn end(&mut self) -> Option<Histogram<u64>> {
        // Relaxed: the flag guards no other memory; the histogram comes by the join.
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take()?.join().ok()
    }
}

impl Drop for WakeMeter {
    fn drop(&mut self) {
        let _ended = self.end();
    }
}

/// The deadlines stay where they are: after a stall each of those missed counts, as each window would have been late.
fn measure(stop: &AtomicBool) -> Histogram<u64> {
    let mut late = micros_histogram();
    let mut deadline = Instant::now();
    // Relaxed: the flag guards no other memory.
    while !stop.load(Ordering::Relaxed) {
        deadline += PERIOD;
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        late.saturating_record(micros(deadline, Instant::now()));
    }
    late
}

/// Ticks of all cores together at one moment.
#[derive(Debug, Clone, Copy)]
pub struct MachineCpu {
    total: u64,
    busy: u64,
    steal: u64,
    /// This process's part of the busy ones.
    own: u64,
}

impl MachineCpu {
    /// Reads it; nothing where Linux does not report it.
    pub fn read() -> Option<Self> {
        Self::from_stat(&fs::read_to_string("/proc/stat").ok()?, own_process::cpu_ticks()?)
    }

    fn from_stat(stat: &str, own: u64) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let fields: Vec<u64> =
            line.split_whitespace().map_while(|field| field.parse().ok()).collect();
        // the guests' time that follows is in the user's already
        let [user, nice, system, idle, waiting, hard, soft, steal, ..] = fields[..] else {
            return None;
        };
        let busy = user + nice + system + hard + soft;
        Some(Self { total: busy + idle + waiting + steal, busy, steal, own })
    }
}

/// How noisy it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// What there was too much of, in words; nothing on a quiet machine.
    pub too_much: Vec<String>,
    /// How late a thread that only slept was woken: half of the times at most this.
    pub wake_p50_us: u64,
    /// 99 % of them.
    pub wake_p99_us: u64,
    /// All of them.
    pub wake_max_us: u64,
    /// What other processes used of all cores.
    pub others_share: Option<f64>,
    /// What the host kept back of all cores.
    pub steal_share: Option<f64>,
}

impl Noise {
    /// Judges the wake-ups and the ticks from one moment to another.
    pub fn new(wakes: Histogram<u64>, span: Option<(MachineCpu, MachineCpu)>) -> Self {
        let share = |part: fn(&MachineCpu) -> u64| {
            let (before, after) = span?;
            let total = after.total.saturating_sub(before.total);
            (total > 0).then(|| part(&after).saturating_sub(part(&before)) as f64 / total as f64)
        };
        let mut noise = Self {
            too_much: Vec::new(),
            wake_p50_us: wakes.value_at_quantile(0.5),
            wake_p99_us: wakes.value_at_quantile(0.99),
            wake_max_us: wakes.max(),
            others_share: share(|cpu| cpu.busy.saturating_sub(cpu.own)),
            steal_share: share(|cpu| cpu.steal),
        };
        noise.too_much = noise.found_too_much();
        noise
    }

    fn found_too_much(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.wake_p99_us > MAX_WAKE_P99_US {
            found.push(format!(
                "threads were woken {:.1} ms late in 1 of 100 cases (1.0 at most)",
                self.wake_p99_us as f64 / 1e3
            ));
        }
        let shares = [
            ("other processes took", self.others_share, MAX_OTHERS_SHARE),
            ("the host kept back", self.steal_share, MAX_STEAL_SHARE),
        ];
        for (what, share, max) in shares {
            if let Some(share) = share.filter(|share| *share > max) {
                found.push(format!(
                    "{what} {:.1} % of all cores ({:.0} % at most)",
                    share * 100.0,
                    max * 100.0
                ));
            }
        }
        found
    }

    /// Whether the machine was too noisy for the measurements to be compared.
    pub fn is_noisy(&self) -> bool {
        !self.too_much.is_empty()
    }

    /// The verdict, and what it stands on.
    pub fn text(&self) -> String {
        let verdict = if self.is_noisy() {
            format!(
                "noisy, do not judge by this run:\n           {}",
                self.too_much.join("\n           ")
            )
        } else {
            "quiet".to_owned()
        };
        let percent = |share: Option<f64>| {
            share.map_or_else(|| "unknown".to_owned(), |share| format!("{:.1} %", share * 100.0))
        };
        format!(
            "{verdict}\n           wake-ups late by {} µs (p50), {} (p99), {} (max);\n           \
             of all cores: other processes {}, steal {}",
            self.wake_p50_us,
            self.wake_p99_us,
            self.wake_max_us,
            percent(self.others_share),
            percent(self.steal_share),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(stat: &str, own: u64) -> MachineCpu {
        MachineCpu::from_stat(stat, own).unwrap()
    }

    fn woken_late_by(micros: u64) -> Histogram<u64> {
        let mut wakes = micros_histogram();
        wakes.record_n(micros, 1_000).unwrap();
        wakes
    }

    #[test]
    fn a_busy_neighbour_is_distinguished_from_the_own_process() {
        let before = ticks("cpu  100 10 20 1000 5 1 2 0 0 0\ncpu0 1 2 3\n", 50);
        // 1000 ticks later: 300 busy, 280 of them this process
        let busy = "cpu  380 10 40 1695 5 1 2 5 0 0\n";
        let alone = Noise::new(woken_late_by(80), Some((before, ticks(busy, 330))));
        assert!(!alone.is_noisy(), "{alone:?}");
        assert!((alone.others_share.unwrap() - 0.02).abs() < 1e-9, "{alone:?}");
        assert!((alone.steal_share.unwrap() - 0.005).abs() < 1e-9, "{alone:?}");
        let beside = Noise::new(woken_late_by(80), Some((before, ticks(busy, 60))));
        assert!(beside.text().contains("other processes took 29.0 %"), "{}", beside.text());
    }

    #[test]
    fn late_wake_ups_and_stolen_time_are_noise_each() {
        let late = Noise::new(woken_late_by(3_000), None);
        assert!(late.text().contains("woken 3.0 ms late"), "{}", late.text());
        let before = ticks("cpu  0 0 0 0 0 0 0 0 0 0", 0);
        let stolen = ticks("cpu  0 0 0 960 0 0 0 40 0 0", 0);
        let stolen = Noise::new(woken_late_by(80), Some((before, stolen)));
        assert!(stolen.text().contains("kept back 4.0 %"), "{}", stolen.text());
    }
}
