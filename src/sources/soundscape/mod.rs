//! The built-in demo: a synthesised soundscape whose timetable is known. Nothing recorded, nothing random but the seed.
//!
//! Each voice is one file, all of them behind one private trait; [`Soundscape`] places them in time and is read by the
//! thread `tympan-source` like any other source.

mod church_bells;
mod clock;
mod rain;
mod siren;
#[expect(clippy::module_inception, reason = "named after its main type, as every file is")]
mod soundscape;
mod voice;

pub use soundscape::{Passage, Soundscape};
