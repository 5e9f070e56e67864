//! Standard output of the commands that print a result and end, where a reader that has gone is no error; and the bars they
//! show on standard error meanwhile.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::domain::{printable_json, printable_lines};
use crate::offline::Progress;

/// Prints `text`, which may hold names from outside, without characters that steer a terminal.
///
/// # Errors
/// [`Failure`] when it cannot be written; of a closed pipe, one that reports nothing and exits 0.
pub fn print(text: &str) -> Result<(), Failure> {
    write(&printable_lines(text))
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Prints `value` as indented JSON.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
    write(&printable_json(&format!("{text}\n")))
}

/// A bar on standard error; hidden where that is no terminal.
pub fn progress_bar(length: u64, unit: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!(
        "{{bar:40}} {{pos}}/{{len}} {unit}, {{eta}} left {{msg}}"
    ));
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// As [`progress_bar`], of bytes that are read.
pub fn bytes_bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {decimal_bytes} of {decimal_total_bytes}, {eta} left {msg}",
    );
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Shows one bar after the other.
#[derive(Debug, Default)]
pub struct ProgressBars(Mutex<Option<ProgressBar>>);

impl ProgressBars {
    fn shown(&self) -> Option<ProgressBar> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Progress for ProgressBars {
    fn begin(&self, steps: usize, unit: &str) {
        let bar = progress_bar(steps as u64, unit);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn advance(&self) {
        if let Some(bar) = self.shown() {
            bar.inc(1);
        }
    }

    fn finish(&self) {
        if let Some(bar) = self.shown() {
            bar.finish_and_clear();
        }
    }
}
