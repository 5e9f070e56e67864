//! Layer 3: where samples come from. One trait, one ring: microphone, file, standard input, another
//! program's output, built-in demo.
//!
//! The microphone delivers from the audio host's own thread through [`CaptureCallback`]; everything that is read
//! instead (a [`SampleReader`]) is fed by a thread of its own, [`ReaderSource`]. All of them fill one [`sample_ring()`],
//! which the feature stage drains.

mod capture_callback;
mod clip_file;
pub mod command;
mod error;
mod foreign_file;
mod limits;
pub mod microphone;
mod mixdown;
mod pcm_format;
mod reader_source;
mod recording;
mod recordings;
mod sample_ring;
mod soundscape;
mod source;
mod standard_input;
mod stdin_pcm;

pub use capture_callback::{CaptureCallback, ChannelSelection};
pub use clip_file::{ClipFile, load_clip};
pub use command::{Command, CommandSpec};
pub use error::{READ_FORMATS, SourceError};
pub use microphone::{Microphone, MicrophoneSpec};
pub use pcm_format::PcmFormat;
pub use reader_source::{Pace, ReaderSource, Repeat, SampleReader};
pub use recordings::{
    RECORDING_ENDINGS, entries, files_below, find_recordings, has_recording_ending, is_hidden,
    is_unread_format,
};
pub use sample_ring::{Pushed, RingCloser, RingItem, SampleConsumer, SampleProducer, sample_ring};
pub use soundscape::{Passage, Soundscape};
pub use source::{RunningSource, Source, SourceState, UnavailableSource};
pub use standard_input::StandardInput;
pub use stdin_pcm::{PcmReader, PcmSpec};
