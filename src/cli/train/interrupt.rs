//! Ctrl-C, SIGTERM and SIGHUP: the first asks training to save and end, the second ends at once. Set up by the command; the
//! handler runs on a thread of its own.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::{Failure, signals};

/// What a shell reports of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// Whether the run is to end.
pub struct Interrupt {
    /// Set by the first signal.
    pub stop: Arc<AtomicBool>,
    is_training: Arc<AtomicBool>,
}

impl Interrupt {
    /// Installs the handlers. Before [`Self::begin`] there is nothing to save, and a signal ends the program
    /// at once.
    ///
    /// # Errors
    /// [`Failure`] when the system refuses the handler.
    pub fn install() -> Result<Self, Failure> {
        let interrupt = Self {
            stop: Arc::new(AtomicBool::new(false)),
            is_training: Arc::new(AtomicBool::new(false)),
        };
        let (stop, is_training) = (Arc::clone(&interrupt.stop), Arc::clone(&interrupt.is_training));
        signals::on_end(move || {
            // Relaxed: neither flag guards other memory.
            if !is_training.load(Ordering::Relaxed) || stop.swap(true, Ordering::Relaxed) {
                exit(i32::from(INTERRUPTED));
            }
            log::info!("finishing the step and saving; once more ends at once");
        })?;
        Ok(interrupt)
    }

    /// From now on a signal asks for what there is to be saved.
    pub fn begin(&self) {
        // Relaxed: the flag guards no other memory.
        self.is_training.store(true, Ordering::Relaxed);
    }

    /// From now on all is saved, and a signal ends the program at once again.
    pub fn end(&self) {
        // Relaxed: the flag guards no other memory.
        self.is_training.store(false, Ordering::Relaxed);
    }
}
