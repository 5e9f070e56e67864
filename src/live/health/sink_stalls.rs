//! Outputs that stand still: in one and the same write for seconds, because nobody reads a pipe or a disk hangs. Polled by
//! the supervisor at every tick; logs when a stall begins and ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sinks::SinkMetrics;

/// The output that has stood still for longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::live) struct SinkStall {
    pub(in crate::live) sink: String,
    pub(in crate::live) lasting: Duration,
}

impl std::fmt::Display for SinkStall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sink, seconds) = (&self.sink, self.lasting.as_secs());
        write!(
            f,
            "the output {sink} has taken nothing for {seconds} s: nobody reads it, or its disk hangs"
        )
    }
}

/// Remembers which stalls have been logged.
pub(in crate::live) struct SinkStalls {
    /// With the length of the stall that was logged last and goes on.
    sinks: Vec<(Arc<SinkMetrics>, Option<Duration>)>,
}

impl SinkStalls {
    pub(in crate::live) fn new(sinks: &[Arc<SinkMetrics>]) -> Self {
        Self { sinks: sinks.iter().map(|sink| (Arc::clone(sink), None)).collect() }
    }

    /// Looks once: the longest stall, if there is any.
    pub(in crate::live) fn poll(&mut self, now: Instant) -> Option<SinkStall> {
        let mut longest: Option<SinkStall> = None;
        for (sink, logged) in &mut self.sinks {
            let lasting = sink.stalled_for(now);
            match (lasting, &logged) {
                (Some(lasting), None) => {
                    let stall = SinkStall { sink: sink.name().to_owned(), lasting };
                    log::warn!(
                        "{stall}; records for it wait, and are dropped when there is no more room"
                    );
                }
                (None, Some(lasted)) => {
                    let (name, seconds) = (sink.name(), lasted.as_secs());
                    log::info!("the output {name} takes records again, after {seconds} s");
                }
                _ => {}
            }
            *logged = lasting;
            if let Some(lasting) = lasting
                && longest.as_ref().is_none_or(|longest| lasting > longest.lasting)
            {
                longest = Some(SinkStall { sink: sink.name().to_owned(), lasting });
            }
        }
        longest
    }
}
