//! Standard output of the commands that print a result and end. A reader that has gone is no error.

use std::io::{self, Write};

use super::Failure;
use crate::domain::{printable_json, printable_lines};

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
