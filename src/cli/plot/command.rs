//! Which picture is asked for.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::envelope::{self, EnvelopeArguments};
use super::measurements::{self, MeasurementArguments};
use super::recordings::{self, LabelsArguments, SpectrogramArguments, WaveformArguments};
use super::runs::{self, CurvesArguments};
use crate::cli::{Failure, logging};

/// Arguments of `tympan plot`.
#[derive(Debug, Args)]
pub struct PlotArguments {
    /// What to draw
    #[command(subcommand)]
    picture: PictureKind,
}

/// What can be drawn.
#[derive(Debug, Subcommand)]
enum PictureKind {
    /// Amplitude over time
    Waveform(WaveformArguments),
    /// Amplitude envelope with a threshold, and what trimming by it would remove
    Envelope(EnvelopeArguments),
    /// Mel spectrogram, through a model's own front end
    Spectrogram(SpectrogramArguments),
    /// Waveform, spectrogram and the labels a model gives, over one time axis
    Labels(LabelsArguments),
    /// Learning curves of one or several training runs
    Curves(CurvesArguments),
    /// Confusion matrix of a measurement (`tympan eval --json`)
    Confusion(MeasurementArguments),
    /// ROC curves of a measurement (`tympan eval --json`)
    Roc(MeasurementArguments),
}

/// Draws and writes; prints the path of every file written.
///
/// # Errors
/// [`Failure`] with exit code 2 for a wrong argument or an input that cannot be read, 3 for a model or a recording, 1
/// when a picture cannot be written.
pub fn plot(arguments: &PlotArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Info);
    match &arguments.picture {
        PictureKind::Waveform(arguments) => recordings::waveform(arguments),
        PictureKind::Envelope(arguments) => envelope::envelope_of(arguments),
        PictureKind::Spectrogram(arguments) => recordings::spectrogram(arguments),
        PictureKind::Labels(arguments) => recordings::labels(arguments),
        PictureKind::Curves(arguments) => runs::curves(arguments),
        PictureKind::Confusion(arguments) => measurements::confusion(arguments),
        PictureKind::Roc(arguments) => measurements::roc(arguments),
    }?;
    Ok(ExitCode::SUCCESS)
}
