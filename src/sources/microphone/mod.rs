//! The microphone: capture devices through cpal's PulseAudio and ALSA hosts.
//!
//! [`Microphone::open`] finds the device and decides on a format; starting it lets the host's own thread call
//! [`CaptureCallback`](super::CaptureCallback). The supervisor asks the running source for its state, which is where
//! errors are logged, stalls are noticed and a stalled stream is rebuilt: never in a callback.

mod callbacks;
mod default_watch;
mod devices;
#[expect(clippy::module_inception, reason = "named after its main type, as every file is")]
mod microphone;
mod running;
mod spec;
mod stream_plan;

pub use devices::{InputConfig, InputDevice, devices};
pub use microphone::Microphone;
pub use spec::{DeviceChoice, HostChoice, MicrophoneSpec};
