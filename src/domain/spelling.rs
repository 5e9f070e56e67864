//! How times, scores and levels are spelled in records.

use jiff::Timestamp;
use serde::Serializer;

/// RFC 3339 in UTC with exactly three decimals, so that the lines of a file align and sort as text.
pub(super) fn utc_millis<S: Serializer>(
    time: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

/// Scores are not known better than to 1e-4. Rounded as `f64`: an `f32` has no short spelling for 0.9312.
pub(super) fn four_decimals<S: Serializer>(score: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((f64::from(*score) * 1e4).round() / 1e4)
}

/// As [`four_decimals`], or null.
pub(super) fn four_decimals_if_any<S: Serializer>(
    score: &Option<f32>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match score {
        Some(score) => four_decimals(score, serializer),
        None => serializer.serialize_none(),
    }
}

/// A tenth of a decibel is finer than any ear or microphone.
pub(super) fn one_decimal<S: Serializer>(level: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((f64::from(*level) * 10.0).round() / 10.0)
}
