//! tympan classifies the sounds from a microphone within milliseconds and reports them as events.
//!
//! # Where to begin
//!
//! Five programs in `examples/` show the library at work; `cargo run --example NAME` runs one.
//!
//! - `classify_file`: the sounds in a recording, with [`offline::Classifier`]
//! - `listen`: the sounds at a microphone or in the demo, with [`live::Daemon::builder`] and a callback
//! - `mel_of_wav`: the log-mel frames of a recording, with [`features`]
//! - `custom_sink`: an output of one's own, a [`sinks::Sink`]
//! - `custom_scorer`: a model of one's own, a [`recognition::Scorer`]
//!
//! [`testing`] has a source and a sink for tests. [`assembly`] does all that the program does with a configuration.
//!
//! # The data path
//!
//! ```text
//! sources::Microphone ─ cpal's callback: to f32, downmix, push            (or a file, stdin, the demo: ReaderSource)
//!    │  sources::sample_ring: samples, and marks that say when they came and where a gap is
//! live::pipeline        `tympan-features`: features::Featuriser = resample → STFT → mel → log → normalise → slide
//!    │  domain::MelWindow, four at most; spent ones come back
//! live::pipeline        `tympan-classify`: model::NetworkScorer → recognition::Tracker = smoother → detector
//!    │  domain::Record, bounded; events never crowded out by windows
//! sinks::Fanout         on the publisher's thread: into the queue of every sink, into the ring of the sockets
//!    │
//! sinks                 `tympan-stdout`, `tympan-logfile`, `tympan-clients`, `tympan-mqtt`: each alone with its troubles
//! ```
//!
//! `live::pipeline::topology` wires it, `live::Daemon` runs it. [`offline::ClipScanner`] drives the same featuriser, scorer
//! and tracker over a clip, on one thread.
//!
//! # Layers
//!
//! Imports point down only, and siblings of a layer do not know each other.
//!
//! | layer | modules |
//! |---|---|
//! | 9 | [`cli`]: one file a command |
//! | 8 | [`assembly`]: a configuration and a bundle → what runs |
//! | 7 | [`config`]: from the file as written to values, or to all its faults; [`report`]: a page; `training`: a plan in, a bundle out (libtorch) |
//! | 6 | [`evaluation`]: a model measured; [`benchmark`]: the daemon measured; [`doctor`]: the machine checked; [`plots`]: pictures; [`testing`]: fakes |
//! | 5 | [`live`]: the daemon; [`offline`]: clips and datasets; `torch`: the network as libtorch computes it |
//! | 4 | `model`: network and bundle |
//! | 3 | [`sources`], [`sinks`] |
//! | 2 | [`features`], [`recognition`]; [`watch`]: a daemon's records as a screen |
//! | 1 | [`dsp`]; [`programs`]: others that are started; [`protocol`]: the lines over a socket, and a client |
//! | 0 | [`domain`]; [`files`]: reading and writing where others can write too |
//!
//! The feature `torch`, on by default, gates `torch` and `training`, and the engine libtorch; the rest is the whole program.
//!
//! # Words
//!
//! **sample**: one number of one channel. **frame**: one column of the spectrogram. **window**: the frames a network
//! sees at once. **taper**: what a frame is multiplied with before its transform. **chunk**: an arbitrary slice of
//! samples. **clip**: a whole recording. **segment**: audio without a gap. **record**: one output line. **event**: from
//! an onset to an offset. **score**: between 0 and 1, one a label. **bundle**: a model on disk.

#![forbid(unsafe_code)]

pub mod assembly;
pub mod benchmark;
// The program's arguments and printing: what it does is in the other modules.
#[doc(hidden)]
pub mod cli;
pub mod config;
// What `tympan doctor` checks: its findings change from version to version.
#[doc(hidden)]
pub mod doctor;
pub mod domain;
// The parts of the front end: programs use it as a whole, through `features`.
#[doc(hidden)]
pub mod dsp;
pub mod evaluation;
pub mod features;
// How files are read and written safely: no part of what tympan is about.
#[doc(hidden)]
pub mod files;
pub mod live;
pub mod model;
pub mod offline;
// How the pictures of `tympan plot` and `eval` are drawn: their look changes from version to version.
#[doc(hidden)]
pub mod plots;
// How other programs are started and ended as a whole: no part of what tympan is about.
#[doc(hidden)]
pub mod programs;
pub mod protocol;
pub mod recognition;
// The page of `tympan eval --report`: its look changes from version to version.
#[doc(hidden)]
pub mod report;
pub mod sinks;
pub mod sources;
pub mod testing;
// The network as libtorch computes it: programs train it through `training` and run it through `model`.
#[cfg(feature = "torch")]
#[doc(hidden)]
pub mod torch;
#[cfg(feature = "torch")]
pub mod training;
// The screen of `tympan watch`: its look changes from version to version.
#[doc(hidden)]
pub mod watch;
