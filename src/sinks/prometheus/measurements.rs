//! What happened so far, by source: events, losses, and how long each stage took for each window. Counted on the threads that
//! publish, read by a scrape.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::domain::{EventPhase, GapCause, Record};

/// The bounds of the latency's buckets, in seconds: 0.25 ms, and twice that, up to 1.024 s.
const FIRST_BUCKET_S: f64 = 0.000_25;
const BUCKETS: u16 = 13;

/// A part of a window's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// From the arrival of its last sample to its mel frames.
    FrontEnd,
    /// From there to the classify thread.
    HandOver,
    /// The network, for all windows that it scores in one go.
    Network,
    /// From the scores to the record.
    Recognition,
    /// The whole way.
    All,
}

impl Stage {
    /// Each of them, in the order of the way.
    pub const EACH: [Self; 5] =
        [Self::FrontEnd, Self::HandOver, Self::Network, Self::Recognition, Self::All];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FrontEnd => "front_end",
            Self::HandOver => "hand_over",
            Self::Network => "network",
            Self::Recognition => "recognition",
            Self::All => "all",
        }
    }
}

/// What is told of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// The hash of its weights, in hexadecimal digits.
    pub sha256: String,
    /// Labels that may become events.
    pub labels: Vec<Arc<str>>,
}

/// Counts from the daemon's start, for each of its sources.
pub struct Measurements {
    sources: HashMap<Arc<str>, SourceMeasurements>,
    model: Mutex<ModelFacts>,
}

/// Of one source.
pub(super) struct SourceMeasurements {
    stages: [Histogram; Stage::EACH.len()],
    records: Mutex<RecordCounts>,
}

/// What records have told.
#[derive(Debug, Clone, Default)]
pub(super) struct RecordCounts {
    /// When the newest scored sample was captured.
    pub(super) last_audio: Option<Timestamp>,
    pub(super) events: BTreeMap<Arc<str>, EventCount>,
    /// By cause: samples, and gaps.
    pub(super) lost: [(u64, u64); GAP_CAUSES.len()],
}

/// The events of a label.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EventCount {
    pub(super) begun: u64,
    pub(super) is_active: bool,
}

/// Each cause, with its name in a metric.
pub(super) const GAP_CAUSES: [(GapCause, &str); 3] = [
    (GapCause::Overrun, "overrun"),
    (GapCause::DriverOverrun, "driver_overrun"),
    (GapCause::DeviceLost, "device_lost"),
];

impl Measurements {
    /// Of a daemon with these sources.
    pub fn new(sources: &[Arc<str>]) -> Self {
        let latency = || Histogram::new(exponential_buckets(FIRST_BUCKET_S, 2.0, BUCKETS));
        let source = |name: &Arc<str>| {
            let stages = std::array::from_fn(|_| latency());
            (Arc::clone(name), SourceMeasurements { stages, records: Mutex::default() })
        };
        Self { sources: sources.iter().map(source).collect(), model: Mutex::default() }
    }

    /// The model that scores from now on.
    pub fn set_model(&self, model: ModelFacts) {
        *self.model.lock().unwrap_or_else(PoisonError::into_inner) = model;
    }

    /// Adds a window's times.
    pub fn time_window(&self, source: &str, times: &[(Stage, Duration)]) {
        let Some(source) = self.sources.get(source) else { return };
        for (stage, lasting) in times {
            source.stages[*stage as usize].observe(lasting.as_secs_f64());
        }
    }

    /// Counts what a record tells.
    pub(in crate::sinks) fn count(&self, record: &Record) {
        let Some(source) = self.sources.get(record.source()) else { return };
        let mut counts = source.records();
        match record {
            Record::Window(window) => counts.last_audio = Some(window.time),
            Record::Event(event) => {
                let count = counts.events.entry(Arc::clone(&event.label)).or_default();
                count.is_active = matches!(event.phase, EventPhase::Onset { .. });
                count.begun += u64::from(count.is_active);
            }
            Record::Gap(gap) => {
                if let Some(at) = GAP_CAUSES.iter().position(|(cause, _)| *cause == gap.cause) {
                    let (samples, gaps) = &mut counts.lost[at];
                    (*samples, *gaps) = (*samples + gap.samples, *gaps + 1);
                }
            }
            Record::Status(_) => {}
        }
    }

    pub(super) fn model(&self) -> ModelFacts {
        self.model.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Of one source; none where there is no such source.
    pub(super) fn of(&self, source: &str) -> Option<&SourceMeasurements> {
        self.sources.get(source)
    }
}

impl SourceMeasurements {
    pub(super) fn stage(&self, stage: Stage) -> &Histogram {
        &self.stages[stage as usize]
    }

    /// Held for a few instructions, by either side.
    pub(super) fn records(&self) -> MutexGuard<'_, RecordCounts> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Measurements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measurements")
            .field("sources", &self.sources.keys())
            .finish_non_exhaustive()
    }
}
