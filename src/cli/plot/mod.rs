//! `tympan plot`: pictures of recordings, of training and of measurements, as SVG and PNG. One file a group of pictures;
//! what they share, where a picture goes, stands in `destination`.

mod command;
mod destination;
mod envelope;
mod measurements;
mod recordings;
mod runs;

pub use command::{PlotArguments, plot};
