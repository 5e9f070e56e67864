//! Pictures of one recording: waveform, spectrogram, and both with the labels a model gives.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;

use super::destination::{Destination, failure_of, name};
use crate::assembly::{Setup, load_bundle, shipped_bundle};
use crate::cli::{Failure, load_setup};
use crate::domain::{Clip, Record};
use crate::features::{FrameValues, FrontEndSpec};
use crate::model::AnyBundle;
use crate::offline::ClipScanner;
use crate::plots::{LabelRow, MelFrames, Signal, draw_spectrogram, draw_timeline, draw_waveform};
use crate::sources::{READ_FORMATS, load_clip};

/// Arguments of `tympan plot waveform`.
#[derive(Debug, Args)]
pub(super) struct WaveformArguments {
    #[arg(value_name = "FILE", help = format!("Recording ({READ_FORMATS})"))]
    file: PathBuf,
    #[command(flatten)]
    destination: Destination,
}

/// Arguments of `tympan plot spectrogram`.
#[derive(Debug, Args)]
pub(super) struct SpectrogramArguments {
    #[arg(value_name = "FILE", help = format!("Recording ({READ_FORMATS})"))]
    file: PathBuf,
    /// Folder of the model bundle whose front end is used
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// As the network's own input: deviations from the training set's mean, band by band, instead of dB
    #[arg(long)]
    normalised: bool,
    #[command(flatten)]
    destination: Destination,
}

/// Arguments of `tympan plot labels`.
#[derive(Debug, Args)]
pub(super) struct LabelsArguments {
    #[arg(value_name = "FILE", help = format!("Recording ({READ_FORMATS})"))]
    file: PathBuf,
    /// Configuration file; its rules for events count here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// How many labels to show: those with events first, then those of the highest scores
    #[arg(long, value_name = "COUNT", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=200))]
    top: u16,
    #[command(flatten)]
    destination: Destination,
}

/// Draws a waveform.
pub(super) fn waveform(arguments: &WaveformArguments) -> Result<(), Failure> {
    let clip = load(&arguments.file)?;
    let sheet = arguments.destination.sheet(name(&arguments.file));
    let picture = draw_waveform(signal(&clip), &sheet).map_err(failure_of)?;
    arguments.destination.write(&picture, &arguments.file, "waveform")
}

/// Draws a spectrogram.
pub(super) fn spectrogram(arguments: &SpectrogramArguments) -> Result<(), Failure> {
    let folder = arguments.model.clone().unwrap_or_else(shipped_bundle);
    let bundle = load_bundle(&folder)?;
    let clip = load(&arguments.file)?;
    let (model, spec) = match &bundle {
        AnyBundle::Network(bundle) => (&bundle.manifest.name, bundle.featuriser_spec()),
        AnyBundle::Module(bundle) => (&bundle.manifest.name, bundle.manifest.featuriser_spec()),
    };
    if spec.front_end.values == FrameValues::Samples {
        let waveform = anyhow!(
            "{model} takes the waveform, and has no spectrogram; `tympan plot waveform` draws that"
        );
        return Err(Failure::device_or_model(waveform));
    }
    let normaliser = arguments.normalised.then_some(&spec.normaliser);
    let mel = MelFrames::compute(&clip, &spec.front_end, normaliser).map_err(failure_of)?;
    let title = format!("{} as {} sees it", name(&arguments.file), model);
    let sheet = arguments.destination.sheet(title);
    let picture = draw_spectrogram(&mel, &sheet).map_err(failure_of)?;
    arguments.destination.write(&picture, &arguments.file, "spectrogram")
}

/// Draws waveform, spectrogram and labels.
pub(super) fn labels(arguments: &LabelsArguments) -> Result<(), Failure> {
    let setup = load_setup(arguments.config.as_deref(), arguments.model.as_deref())?;
    let clip = load(&arguments.file)?;
    let front_end = setup.model().featuriser_spec().front_end;
    let front_end = match front_end.values {
        FrameValues::LogMel => front_end,
        // the network has no spectrogram of its own
        FrameValues::Samples => FrontEndSpec::standard().map_err(Failure::failed)?,
    };
    let mel = MelFrames::compute(&clip, &front_end, None).map_err(failure_of)?;
    let title = format!("{}, labelled by {}", name(&arguments.file), setup.model().name());
    let records = scan(&setup, &clip)?;
    let rows = LabelRow::from_records(&records, clip.sample_rate, usize::from(arguments.top));
    let sheet = arguments.destination.sheet(title);
    let picture = draw_timeline(signal(&clip), &mel, &rows, &sheet).map_err(failure_of)?;
    arguments.destination.write(&picture, &arguments.file, "labels")
}

/// Every score of every window, and the events, as the daemon would report them.
fn scan(setup: &Setup, clip: &Clip) -> Result<Vec<Record>, Failure> {
    let recogniser = setup.recogniser(setup.model().labels().len())?;
    let mut scanner = ClipScanner::new(setup.model().featuriser_spec(), recogniser);
    let mut records = Vec::new();
    scanner
        .scan(clip, "".into(), &mut |record| records.push(record))
        .map_err(Failure::device_or_model)?;
    Ok(records)
}

pub(super) fn signal(clip: &Clip) -> Signal<'_> {
    Signal { samples: &clip.samples, sample_rate: clip.sample_rate }
}

pub(super) fn load(path: &Path) -> Result<Clip, Failure> {
    let clip = load_clip(path).map_err(Failure::device_or_model)?;
    if clip.samples.is_empty() {
        let empty = anyhow!("{}: the recording holds no samples", path.display());
        return Err(Failure::device_or_model(empty));
    }
    Ok(clip)
}
