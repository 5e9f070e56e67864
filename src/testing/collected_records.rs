//! A sink that keeps what it is given, for a test to look at.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::domain::{Published, Record};
use crate::sinks::{Sink, SinkError};

/// The records that sinks made from it were given, in their order.
///
/// ```
/// use tympan::testing::CollectedRecords;
///
/// let collected = CollectedRecords::default();
/// let sink = collected.sink("log");
/// assert_eq!(sink.name(), "log");
/// assert!(collected.records().is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct CollectedRecords(Arc<Mutex<Vec<Record>>>);

impl CollectedRecords {
    /// A sink that adds to these records.
    pub fn sink(&self, name: &str) -> Box<dyn Sink> {
        Box::new(CollectingSink { name: name.to_owned(), collected: self.clone(), gate: None })
    }

    /// The same, but it blocks at its first record until the sender is dropped.
    pub fn blocked_sink(&self, name: &str) -> (Box<dyn Sink>, Sender<()>) {
        let (open, gate) = bounded(0);
        let (name, collected) = (name.to_owned(), self.clone());
        (Box::new(CollectingSink { name, collected, gate: Some(gate) }), open)
    }

    /// What has come so far.
    pub fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct CollectingSink {
    name: String,
    collected: CollectedRecords,
    gate: Option<Receiver<()>>,
}

impl Sink for CollectingSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        if let Some(gate) = &self.gate {
            // its end opens the gate; nothing is ever sent
            let _ = gate.recv();
        }
        let mut records = self.collected.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.push(published.record.clone());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
