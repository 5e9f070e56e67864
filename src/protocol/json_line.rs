//! A value as one line of JSON. Called by every output that writes JSON Lines, on the output's own thread.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::printable_json;

/// Appends `value` and a line feed to `line`: always exactly one line, without a character that steers a terminal.
///
/// # Panics
/// When the value has a map whose keys are not strings; no message, request or record has one.
pub fn write_json_line(value: &impl Serialize, line: &mut String) {
    // through bytes and back, so that the caller's buffer is reused
    let mut bytes = std::mem::take(line).into_bytes();
    serde_json::to_writer(&mut bytes, value)
        .expect("invariant: keys are strings and memory takes every write");
    *line = String::from_utf8(bytes).expect("invariant: serde_json writes UTF-8");
    if let Cow::Owned(escaped) = printable_json(line) {
        *line = escaped;
    }
    line.push('\n');
}
