//! The log file: JSON Lines on disk, rotated by size and age, never more than a set number of bytes in all.
//!
//! Written here rather than taken from a crate: of those looked at (file-rotate, rolling-file, logroller) none rotates
//! by size and age at once, caps the total bytes, and keeps names, whole lines and torn ends as this file promises.

#[expect(clippy::module_inception, reason = "named after its main type, as every file is")]
mod log_file;
mod rotated_files;

pub use log_file::{LogFile, LogFileSpec};
pub(in crate::sinks) use rotated_files::RotatedFiles;
