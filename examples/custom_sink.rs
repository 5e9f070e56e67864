//! A sink of your own: a table of how often each label was detected, written when the daemon ends. It runs on the demo:
//!
//! ```text
//! cargo run --release --no-default-features --example custom_sink
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use tympan::domain::{EventPhase, Overflow, Published, Record};
use tympan::live::{Daemon, Recipe};
use tympan::model::{Model, NetworkScorer};
use tympan::sinks::{Sink, SinkError};
use tympan::sources::{Pace, ReaderSource, Repeat, Soundscape};

/// Counts onsets by label, and prints the table when it is dropped.
#[derive(Default)]
struct Tally(BTreeMap<String, u64>);

impl Sink for Tally {
    fn name(&self) -> &str {
        "tally"
    }

    fn takes_windows(&self) -> bool {
        false
    }

    /// Runs on the thread `tympan-tally`; it may block, since only its own queue waits for it.
    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        if let Record::Event(event) = &published.record
            && let EventPhase::Onset { .. } = event.phase
        {
            *self.0.entry(event.label.to_string()).or_default() += 1;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        for (label, count) in &self.0 {
            println!("{label}: {count}");
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let model = Arc::new(Model::open("models/esc50".as_ref())?);
    let demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Once);
    let source = ReaderSource::new(Box::new(demo), Pace::AsFastAsPossible);
    Daemon::builder(source, Recipe::standard(&model)?, NetworkScorer::new(&model))
        .overflow(Overflow::Block)
        .sink(Tally::default())
        .build()
        .run()?;
    Ok(())
}
