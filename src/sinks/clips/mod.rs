//! Recordings of the audio around events. Nothing here runs unless the configuration enables `[clips]`.
//!
//! The feature stage copies samples into `AudioTap`; `ClipFolder`, a sink like any other, keeps the last of them in memory
//! and writes those around an event to a file, if windows scored all of them and none contained a denied label.

mod audio_tap;
mod clip_clock;
mod clip_folder;
mod clip_spec;
mod clip_wav;
mod history;
mod source_clips;
mod wav_files;

pub use audio_tap::{AudioBlock, AudioTap};
pub use clip_folder::ClipFolder;
pub use clip_spec::ClipSpec;
pub(in crate::sinks) use clip_wav::is_clip_name;
