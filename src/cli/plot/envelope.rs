//! The envelope that trimming goes by, drawn before anything is trimmed: to try out a threshold and see it.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::destination::{Destination, failure_of, name};
use super::recordings::{load, signal};
use crate::cli::Failure;
use crate::dsp::{EnvelopeSpec, EnvelopeStatistic, envelope};
use crate::offline::{ClipNormalisation, normalise_clip};
use crate::plots::{Envelope, draw_envelope};
use crate::sources::READ_FORMATS;

/// Arguments of `tympan plot envelope`.
#[derive(Debug, Args)]
pub(super) struct EnvelopeArguments {
    #[arg(value_name = "FILE", help = format!("Recording ({READ_FORMATS})"))]
    file: PathBuf,
    /// Level below which the envelope is silence; `train --trim` takes the same
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true, default_value_t = EnvelopeSpec::default().threshold_dbfs)]
    threshold: f32,
    /// Milliseconds that one value of the envelope is taken over
    #[arg(long, value_name = "MS", default_value_t = 100.0)]
    window: f64,
    /// What is taken of the amplitudes in a window
    #[arg(long, value_enum, default_value_t = Statistic::Mean)]
    statistic: Statistic,
    /// To what level the recording is brought first, as `train --normalise` does
    #[arg(long, value_enum, default_value_t = Normalisation::None)]
    normalise: Normalisation,
    #[command(flatten)]
    destination: Destination,
}

/// What is taken of the amplitudes in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Statistic {
    /// Their mean: a click does not keep what is around it
    Mean,
    /// The largest: half a window is kept before and after every sound
    Maximum,
}

/// To what level a recording is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Normalisation {
    /// It stays as it is
    None,
    /// Its largest amplitude becomes −1 dBFS
    Peak,
    /// Its loudness becomes −23 LUFS
    Loudness,
}

/// Draws waveform, envelope and threshold, and what would be removed.
pub(super) fn envelope_of(arguments: &EnvelopeArguments) -> Result<(), Failure> {
    let window = Duration::try_from_secs_f64(arguments.window / 1e3).map_err(|error| {
        let window = arguments.window;
        Failure::usage(anyhow::anyhow!("--window {window}: {error}; take 100"))
    })?;
    let statistic = match arguments.statistic {
        Statistic::Mean => EnvelopeStatistic::Mean,
        Statistic::Maximum => EnvelopeStatistic::Maximum,
    };
    let spec = EnvelopeSpec { threshold_dbfs: arguments.threshold, window, statistic };
    spec.check().map_err(Failure::usage)?;
    let mut clip = load(&arguments.file)?;
    normalise_clip(
        &mut clip,
        match arguments.normalise {
            Normalisation::None => ClipNormalisation::None,
            Normalisation::Peak => ClipNormalisation::Peak,
            Normalisation::Loudness => ClipNormalisation::Loudness,
        },
    );
    let amplitudes = envelope(&clip.samples, clip.sample_rate, &spec);
    let removed = silent_ranges(&spec.sounding(&amplitudes));
    let drawn = Envelope {
        amplitudes: &amplitudes,
        step_samples: 1,
        threshold_dbfs: spec.threshold_dbfs,
        removed: &removed,
    };
    let sheet = arguments.destination.sheet(name(&arguments.file));
    let picture = draw_envelope(signal(&clip), &drawn, &sheet).map_err(failure_of)?;
    arguments.destination.write(&picture, &arguments.file, "envelope")
}

/// Where nothing sounds, from sample to sample.
fn silent_ranges(sounding: &[bool]) -> Vec<Range<usize>> {
    let mut begin = 0;
    let mut ranges = Vec::new();
    for part in sounding.chunk_by(|a, b| a == b) {
        let end = begin + part.len();
        if !part[0] {
            ranges.push(begin..end);
        }
        begin = end;
    }
    ranges
}
