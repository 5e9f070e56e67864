//! `tympan train`: a dataset in, a bundle out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;

use super::eval::{progress_bar, score_clips};
use super::{Failure, logging, model_card};
use crate::evaluation::{ClassificationFigures, ThresholdRules, choose_thresholds};
use crate::features::{FrontEndSpec, WindowSpec};
use crate::model::{
    Activation, Bundle, Figures, Manifest, NetworkKind, NetworkSpec, Provenance, configure_runtime,
};
use crate::offline::{Dataset, DatasetOptions};
use crate::recognition::Thresholds;
use crate::training::{
    ClipFeatures, EpochReport, NormaliserFit, Trainer, TrainingError, TrainingSet, TrainingSpec,
    TrainingTarget, extract_all,
};

/// 1.92 s of audio, 18 features of the standard network, a new window every 80 ms.
const WINDOW: WindowSpec = WindowSpec { frames: 94, hop_frames: 4 };

/// Until the clips were scored, every label has these.
const UNCALIBRATED: Thresholds = Thresholds { on: 0.5, off: 0.3 };

/// Arguments of `tympan train`.
#[derive(Debug, Args)]
pub struct TrainArguments {
    /// Folder of a dataset laid out as ESC-50 is
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Folder of the bundle to write
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Kind of network: conv1d, cnn, lstm or crnn
    #[arg(long, default_value_t = NetworkKind::Crnn)]
    network: NetworkKind,
    /// Folds to fit
    #[arg(long, value_delimiter = ',', value_name = "FOLDS", default_value = "1,2,3")]
    folds: Vec<u32>,
    /// Folds to measure on and to choose thresholds by; no weight is fitted to them
    #[arg(long, value_delimiter = ',', value_name = "FOLDS", default_value = "4")]
    validation_folds: Vec<u32>,
    /// Only clips under these licences (the table's column `license`); by default all
    #[arg(long, value_delimiter = ',', value_name = "LICENCES")]
    licences: Vec<String>,
    /// Folder of recordings that hold none of the labels: noise, silence
    #[arg(long, value_name = "FOLDER")]
    background: Option<PathBuf>,
    /// Terms of the weights, for the manifest and the card
    #[arg(long, value_name = "TERMS", default_value = "unspecified")]
    licence: String,
    /// Passes over the training clips
    #[arg(long, default_value_t = TrainingSpec::default().epochs)]
    epochs: usize,
    /// Seed of everything random
    #[arg(long, default_value_t = TrainingSpec::default().seed)]
    seed: u64,
    /// Threads of libtorch; by default one a core. The same number gives the same weights again
    #[arg(long)]
    threads: Option<usize>,
}

/// Trains, measures, writes.
///
/// # Errors
/// [`Failure`] when dataset or folder cannot be used, or training fails.
pub fn train(arguments: &TrainArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Info);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(cores);
    configure_runtime(threads);
    if let Some(fold) = arguments.folds.iter().find(|it| arguments.validation_folds.contains(it)) {
        return Err(Failure::usage(anyhow!(
            "fold {fold} is in --folds and in --validation-folds; what was fitted cannot be measured on"
        )));
    }
    if arguments.epochs == 0 {
        return Err(Failure::usage(anyhow!("--epochs is 0; nothing would be learnt")));
    }
    require_writable(&arguments.out)?;
    let options =
        DatasetOptions { licences: arguments.licences.clone(), ..DatasetOptions::default() };
    let dataset = Dataset::open(&arguments.data, &options).map_err(Failure::usage)?;
    let front_end = FrontEndSpec::standard().map_err(Failure::failed)?;
    let set = read_recordings(arguments, &dataset, &front_end)?;
    let (train_clips, background_clips) = (set.train.len(), set.background.len());
    let mut fit = NormaliserFit::new(front_end.mel_bands);
    for clip in &set.train {
        fit.add(clip);
    }
    let network = NetworkSpec::standard(arguments.network);
    let target = TrainingTarget {
        front_end: &front_end,
        window: WINDOW,
        network: &network,
        labels: dataset.labels.len(),
        normaliser: fit.normaliser(),
    };
    let spec =
        TrainingSpec { epochs: arguments.epochs, seed: arguments.seed, ..TrainingSpec::default() };
    let mut trainer = Trainer::new(spec, &target, set);
    let begun = Instant::now();
    let bar = progress_bar(arguments.epochs as u64, "epochs");
    trainer
        .run(&mut |report| {
            bar.inc(1);
            bar.suspend(|| tell(&report));
        })
        .map_err(Failure::failed)?;
    bar.finish_and_clear();
    log::info!("trained for {:.0} min", begun.elapsed().as_secs_f64() / 60.0);
    let mut manifest = manifest(arguments, &dataset, &target);
    manifest.provenance.command = command_line(arguments, threads);
    manifest.provenance.train_clips = train_clips;
    manifest.provenance.background_clips = background_clips;
    let weights = trainer.weights().map_err(Failure::failed)?;
    finish(arguments, &dataset, &mut manifest, &weights)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(report: &EpochReport) {
    match report.validation {
        Some(validation) => log::info!(
            "epoch {}: loss {:.3}, validation loss {:.3}, clips {:.1} %, windows {:.1} %",
            report.epoch,
            report.train_loss,
            validation.loss,
            validation.clip_accuracy * 100.0,
            validation.window_accuracy * 100.0
        ),
        None => log::debug!("epoch {}: loss {:.3}", report.epoch, report.train_loss),
    }
}

fn read_recordings(
    arguments: &TrainArguments,
    dataset: &Dataset,
    front_end: &FrontEndSpec,
) -> Result<TrainingSet, Failure> {
    let window_samples = front_end.samples_of(WINDOW.frames);
    let extract = |what: &'static str, recordings: &[(PathBuf, Option<usize>)], samples: u64| {
        let bar = progress_bar(recordings.len() as u64, what);
        let features = extract_all(recordings, front_end, samples, &|| bar.inc(1));
        bar.finish_and_clear();
        features.map_err(|error| Failure::device_or_model(with_faults(error, dataset)))
    };
    let of_folds = |what: &'static str, folds: &[u32]| -> Result<Vec<ClipFeatures>, Failure> {
        let present: Vec<u32> = dataset.folds().into_iter().collect();
        if !folds.iter().all(|fold| present.contains(fold)) {
            let folds = folds.to_vec();
            return Err(Failure::usage(TrainingError::NoClips { what, folds, present }));
        }
        let clips = dataset.clips_in(folds);
        let recordings: Vec<(PathBuf, Option<usize>)> =
            clips.iter().map(|clip| (clip.path.clone(), Some(clip.label))).collect();
        extract(what, &recordings, window_samples)
    };
    let train = of_folds("training", &arguments.folds)?;
    if !dataset.faults.is_empty() {
        let none = TrainingError::Clips { clips: Vec::new() };
        return Err(Failure::device_or_model(with_faults(none, dataset)));
    }
    Ok(TrainingSet {
        train,
        validation: of_folds("validation", &arguments.validation_folds)?,
        background: match &arguments.background {
            // pieces are put end to end; one of less than a second gets silence up to there
            Some(folder) => {
                let second = u64::from(front_end.sample_rate_hz.hz());
                extract("background", &background_files(folder)?, second)?
            }
            None => Vec::new(),
        },
    })
}

/// The recordings that cannot be decoded, and those that could not be used at first sight.
fn with_faults(error: TrainingError, dataset: &Dataset) -> TrainingError {
    let TrainingError::Clips { mut clips } = error else { return error };
    clips.extend(dataset.faults.iter().map(|fault| (fault.path.clone(), fault.reason.clone())));
    TrainingError::Clips { clips }
}

/// Hours of training must not end at a folder that cannot be written.
fn require_writable(folder: &Path) -> Result<(), Failure> {
    let made = !folder.exists();
    let probe = folder.join("model.toml.new");
    let tried = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    if made {
        // only if it is empty, and it comes back when there is something to write
        let _ = std::fs::remove_dir(folder);
    }
    tried.map_err(|error| {
        Failure::usage(anyhow!(
            "{}: the bundle cannot be written there ({error}); choose another --out",
            folder.display()
        ))
    })
}

fn require_folder(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        Ok(())
    } else {
        Err(Failure::usage(anyhow!("{}: there is no such folder", path.display())))
    }
}

fn background_files(folder: &Path) -> Result<Vec<(PathBuf, Option<usize>)>, Failure> {
    require_folder(folder)?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Failure::usage)? {
        let path = entry.map_err(Failure::usage)?.path();
        if path.is_file() {
            files.push((path, None));
        }
    }
    if files.is_empty() {
        return Err(Failure::usage(anyhow!("{}: no recording in this folder", folder.display())));
    }
    // the order of a folder is not the same on every machine
    files.sort();
    Ok(files)
}

fn manifest(
    arguments: &TrainArguments,
    dataset: &Dataset,
    target: &TrainingTarget<'_>,
) -> Manifest {
    let name = arguments
        .out
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Manifest {
        format_version: Bundle::FORMAT_VERSION,
        name,
        tympan_version: env!("CARGO_PKG_VERSION").to_owned(),
        licence: arguments.licence.clone(),
        activation: Activation::Sigmoid,
        labels: dataset.labels.clone().into(),
        weights_sha256: String::new(),
        front_end: target.front_end.clone(),
        window: target.window,
        network: target.network.clone(),
        provenance: Provenance {
            dataset: dataset.name.clone(),
            dataset_terms: dataset.terms.clone(),
            train_folds: arguments.folds.clone(),
            validation_folds: arguments.validation_folds.clone(),
            train_clips: 0,
            background_clips: 0,
            command: String::new(),
            seed: arguments.seed,
            epochs: arguments.epochs,
        },
        figures: Figures::default(),
        thresholds: dataset
            .labels
            .iter()
            .map(|label| (label.to_string(), UNCALIBRATED))
            .collect::<BTreeMap<_, _>>(),
        normaliser: target.normaliser.clone(),
    }
}

/// The command that makes the bundle again; `DATA` and `BACKGROUND` stand for folders of whoever types it.
fn command_line(arguments: &TrainArguments, threads: usize) -> String {
    let list = |folds: &[u32]| folds.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let mut command = format!(
        "tympan train --data DATA --network {} --folds {} --validation-folds {}",
        arguments.network,
        list(&arguments.folds),
        list(&arguments.validation_folds)
    );
    if !arguments.licences.is_empty() {
        command += &format!(" --licences {}", arguments.licences.join(","));
    }
    if arguments.background.is_some() {
        command += " --background BACKGROUND";
    }
    command
        + &format!(
            " --epochs {} --seed {} --threads {threads} --licence '{}' --out '{}'",
            arguments.epochs,
            arguments.seed,
            arguments.licence,
            arguments.out.display()
        )
}

/// Scores the validation clips as the daemon would, chooses thresholds, and writes the bundle.
fn finish(
    arguments: &TrainArguments,
    dataset: &Dataset,
    manifest: &mut Manifest,
    weights: &[u8],
) -> Result<(), Failure> {
    let out = &arguments.out;
    let bundle = Bundle::from_parts(out, manifest.clone(), weights).map_err(Failure::failed)?;
    let scores = score_clips(&bundle, &dataset.clips_in(&arguments.validation_folds))?;
    let chosen = choose_thresholds(&bundle.labels, &scores, &ThresholdRules::default())
        .map_err(Failure::failed)?;
    for (label, thresholds) in bundle.labels.iter().zip(chosen) {
        manifest.thresholds.insert(label.to_string(), thresholds);
    }
    let figures = ClassificationFigures::new(&bundle.labels, &scores);
    manifest.figures = Figures {
        clips: figures.clips,
        clip_accuracy: round(figures.clip_accuracy),
        window_accuracy: round(figures.window_accuracy),
    };
    Bundle::write(out, manifest, weights, &model_card::text(manifest)).map_err(Failure::failed)?;
    log::info!(
        "{}: clip accuracy {:.1} %, window accuracy {:.1} % on {} clips of folds {:?}",
        out.display(),
        figures.clip_accuracy * 100.0,
        figures.window_accuracy * 100.0,
        figures.clips,
        arguments.validation_folds
    );
    Ok(())
}

fn round(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}
