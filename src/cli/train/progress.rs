//! What a training run shows while it runs, and how it is interrupted: the first Ctrl-C, SIGTERM or SIGHUP asks it to save and
//! end, the second ends at once. Set up by the command; the signals' handler runs on a thread of its own.

use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::cli::output::{ProgressBars, progress_bar};
use crate::cli::{Failure, signals};
use crate::offline::Progress;
use crate::training::{EpochReport, FitProgress, StepReport};

/// Where there is no bar, a line is written at every validation, and after so long without one.
const SILENCE: Duration = Duration::from_secs(120);

/// Shows how a run goes, and ends it when a signal comes.
pub struct TrainingProgress {
    interrupt: Interrupt,
    bars: ProgressBars,
    fit: Mutex<Option<FitBar>>,
}

impl TrainingProgress {
    /// Installs the signal handlers.
    ///
    /// # Errors
    /// [`Failure`] when the system refuses the handler.
    pub fn install() -> Result<Self, Failure> {
        let interrupt = Interrupt::install()?;
        Ok(Self { interrupt, bars: ProgressBars::default(), fit: Mutex::new(None) })
    }

    fn with_bar(&self, update: impl FnOnce(&mut FitBar)) {
        if let Some(bar) = &mut *self.fit.lock().unwrap_or_else(PoisonError::into_inner) {
            update(bar);
        }
    }
}

impl Progress for TrainingProgress {
    fn begin(&self, steps: usize, unit: &str) {
        self.bars.begin(steps, unit);
    }

    fn advance(&self) {
        self.bars.advance();
    }

    fn finish(&self) {
        self.bars.finish();
    }
}

impl FitProgress for TrainingProgress {
    fn stop(&self) -> &AtomicBool {
        &self.interrupt.stop
    }

    fn begin_fit(&self, steps: usize, done: usize, epochs: usize) {
        self.interrupt.begin();
        let bar = FitBar::new(steps, done, epochs);
        *self.fit.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn on_step(&self, report: StepReport) {
        self.with_bar(|bar| bar.step(report));
    }

    fn on_epoch(&self, report: &EpochReport) {
        self.with_bar(|bar| bar.epoch(report));
    }

    fn end_fit(&self) {
        self.interrupt.end();
        let bar = self.fit.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(bar) = bar {
            bar.finish();
        }
    }
}

/// The bar of one network that is fitted.
struct FitBar {
    bar: ProgressBar,
    epochs: usize,
    begun: Instant,
    first_step: u64,
    last_line: Instant,
}

impl FitBar {
    /// A bar of `steps`, `done` of which are done.
    fn new(steps: usize, done: usize, epochs: usize) -> Self {
        let bar = progress_bar(steps as u64, "steps");
        bar.set_position(done as u64);
        bar.reset_eta();
        let now = Instant::now();
        Self { bar, epochs, begun: now, first_step: done as u64, last_line: now }
    }

    /// After a step.
    fn step(&mut self, report: StepReport) {
        self.bar.set_position(report.step as u64);
        if self.bar.is_hidden() && self.last_line.elapsed() < SILENCE {
            return;
        }
        let words = format!(
            "epoch {}/{}, loss {:.3}, accuracy {:.1} %",
            report.epoch,
            self.epochs,
            report.loss,
            report.accuracy * 100.0
        );
        if self.bar.is_hidden() {
            self.last_line = Instant::now();
            log::info!("{words}, {} left", self.left());
        } else {
            self.bar.set_message(words);
        }
    }

    /// After an epoch.
    fn epoch(&mut self, report: &EpochReport) {
        let (Some(validation), Some(plain)) = (report.validation, report.plain) else { return };
        self.last_line = Instant::now();
        let left = self.left();
        self.bar.suspend(|| {
            log::info!(
                "epoch {}/{}: training clips loss {:.3}, {:.1} %; validation loss {:.3}, clips {:.1} %, windows \
                 {:.1} %; {left} left",
                report.epoch,
                self.epochs,
                plain.loss,
                plain.clip_accuracy * 100.0,
                validation.loss,
                validation.clip_accuracy * 100.0,
                validation.window_accuracy * 100.0
            );
        });
    }

    /// The bar goes away.
    fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn left(&self) -> String {
        let done = self.bar.position().saturating_sub(self.first_step).max(1);
        let left = self.bar.length().unwrap_or(0).saturating_sub(self.bar.position());
        let seconds = self.begun.elapsed().as_secs_f64() / done as f64 * left as f64;
        if seconds < 90.0 {
            format!("{seconds:.0} s")
        } else {
            format!("{:.0} min", seconds / 60.0)
        }
    }
}

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
