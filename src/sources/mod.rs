//! Layer 3: where samples come from. One trait, one ring: microphone, file, standard input, built-in demo.
//!
//! The microphone delivers from the audio host's own thread through [`CaptureCallback`]; everything that is read
//! instead (a [`SampleReader`]) is fed by a thread of its own, [`FedSource`]. All of them fill one [`sample_ring()`],
//! which the feature stage drains.

mod capture_callback;
mod clip_file;
mod error;
mod feeder;
mod limits;
pub mod microphone;
mod recordings;
mod sample_ring;
mod soundscape;
mod source;
mod stdin_pcm;

pub use capture_callback::{CaptureCallback, ChannelSelection};
pub use clip_file::{ClipFile, load_clip};
pub use error::SourceError;
pub use feeder::{FedSource, Pace, Repeat, SampleReader};
pub use microphone::{Microphone, MicrophoneSpec};
pub use recordings::{
    RECORDING_ENDINGS, entries, files_below, find_recordings, has_recording_ending,
};
pub use sample_ring::{Pushed, RingCloser, SampleConsumer, SampleProducer, Taken, sample_ring};
pub use soundscape::{Passage, Soundscape};
pub use source::{Awaited, RunningSource, Source, SourceState};
pub use stdin_pcm::{PcmFormat, PcmReader, PcmSpec};
