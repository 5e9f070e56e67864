//! Layer 6: pictures, each a pure function from numbers to a [`Picture`], to be had as SVG text and as PNG bytes.
//!
//! Fed by `plot` and by the report of `eval`; runs on the thread that calls it. Every kind lays out axes and shapes in
//! pixels; one renderer plays them on the drawing library's two backends, so that SVG and PNG show the same. The typeface
//! of the PNG is compiled in: no font, no display of the system is needed.

mod axis;
mod bars;
mod calibration;
mod colour;
mod colour_bar;
mod confusion;
mod curves;
mod error;
mod font;
mod histogram;
mod legend;
mod mel_frames;
mod panel;
mod picture;
mod rates;
mod render;
mod sheet;
mod spectrogram;
mod timeline;
mod training_log;
mod waveform;

pub use bars::{ClassSeries, draw_class_bars};
pub use calibration::{ReliabilityBin, draw_reliability};
pub use confusion::draw_confusion;
pub use curves::draw_curves;
pub use error::PlotError;
pub use histogram::draw_histogram;
pub use mel_frames::{MelFrames, MelUnit};
pub use picture::Picture;
pub use rates::{RateCurve, draw_precision_recall, draw_roc};
pub use sheet::Sheet;
pub use spectrogram::draw_spectrogram;
pub use timeline::{LabelRow, ScoreSpan, draw_timeline};
pub use training_log::{EpochFigures, TrainingLog};
pub use waveform::{Envelope, Signal, draw_envelope, draw_waveform};
