//! Puts a daemon together in code. For programs that use tympan as a library; `assembly` does it from a configuration.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::{Daemon, DaemonInput, PipelineSpec, Recipe};
use crate::domain::{Overflow, Published, Record};
use crate::recognition::Scorer;
use crate::sinks::{Sink, SinkError};
use crate::sources::Source;

/// This much audio that is exactly zero makes the input `silent`.
const SILENT_AFTER: Duration = Duration::from_secs(10);

/// A daemon in the making.
pub struct DaemonBuilder {
    daemon: Daemon,
}

impl Daemon {
    /// A daemon that takes audio from `source`, scores it with `scorer`, and makes records of that as `recipe` says. It has no
    /// output yet, and drops what finds a queue full, as a microphone's daemon has to.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::mpsc::channel;
    /// use tympan::domain::{Overflow, Record};
    /// use tympan::live::{Daemon, Outcome, Recipe};
    /// use tympan::model::{Model, NetworkScorer};
    /// use tympan::sources::{Pace, ReaderSource, Repeat, Soundscape};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let model = Arc::new(Model::open("models/esc50".as_ref())?);
    /// let demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Once);
    /// let source = ReaderSource::new(Box::new(demo), Pace::AsFastAsPossible);
    /// let (sender, events) = channel();
    /// let daemon = Daemon::builder(source, Recipe::standard(&model)?, NetworkScorer::new(&model))
    ///     .overflow(Overflow::Block)
    ///     .on_record(move |record| {
    ///         if let Record::Event(event) = record {
    ///             // nobody waits for more once the receiver is gone
    ///             let _ = sender.send(event.label.clone());
    ///         }
    ///     })
    ///     .build();
    /// assert_eq!(daemon.run()?, Outcome::SourceEnded);
    /// assert!(events.iter().any(|label| &*label == "siren"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(
        source: impl Source + 'static,
        recipe: Recipe,
        scorer: impl Scorer + 'static,
    ) -> DaemonBuilder {
        let spec = PipelineSpec {
            recipe,
            overflow: Overflow::DropNewest,
            silent_after: SILENT_AFTER,
            counters: Arc::default(),
            status: Arc::default(),
        };
        DaemonBuilder {
            daemon: Daemon {
                inputs: vec![DaemonInput::new(Box::new(source))],
                reload: None,
                scorer: Box::new(scorer),
                sinks: Vec::new(),
                outlets: Vec::new(),
                spec,
                stop: Arc::default(),
                on_window: None,
            },
        }
    }
}

impl DaemonBuilder {
    /// What happens when a queue is full. [`Overflow::Block`] fits sources that can wait, such as a recording that is read as
    /// fast as possible; then nothing is lost.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.daemon.spec.overflow = overflow;
        self
    }

    /// Adds an output; it gets a queue and a thread of its own.
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.daemon.sinks.push(Box::new(sink));
        self
    }

    /// Calls `callback` with every record, on a thread of its own.
    pub fn on_record(self, callback: impl FnMut(&Record) + Send + 'static) -> Self {
        self.sink(RecordCallback(callback))
    }

    /// Ends the daemon when it is set: within a second.
    pub fn stop(mut self, stop: Arc<AtomicBool>) -> Self {
        self.daemon.stop = stop;
        self
    }

    /// The daemon, not yet running.
    pub fn build(self) -> Daemon {
        self.daemon
    }
}

/// Hands records to a function.
struct RecordCallback<F>(F);

impl<F: FnMut(&Record) + Send> Sink for RecordCallback<F> {
    fn name(&self) -> &str {
        "callback"
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        (self.0)(&published.record);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
