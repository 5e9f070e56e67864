//! `tympan classify`: what is heard in recordings, through the same path as the daemon.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;

use super::classify_output::{ClassifyFormat, ClipWriter};
use super::progress_bar::progress_bar;
use super::setup::Setup;
use super::{Failure, output};
use crate::domain::Record;
use crate::model::Schedule;
use crate::offline::ClipScanner;
use crate::recognition::{Recogniser, RecogniserSpec};
use crate::sources::load_clip;

/// Arguments of `tympan classify`.
#[derive(Debug, Args)]
pub struct ClassifyArguments {
    /// Recordings (WAV, FLAC, Ogg Vorbis, MP3, AIFF, CAF, AAC in M4A) and folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Configuration file; its rules for events and its number of labels count here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// text: a summary a recording; jsonl: the daemon's records; csv: an event a line; audacity: a label track
    #[arg(long, value_enum, default_value_t = ClassifyFormat::Text)]
    format: ClassifyFormat,
}

/// Endings of files that are looked for in folders.
const ENDINGS: [&str; 11] =
    ["wav", "wave", "flac", "ogg", "oga", "mp3", "aif", "aiff", "aifc", "caf", "m4a"];

/// Classifies every recording; those that cannot be read are named, and the others classified all the same.
///
/// # Errors
/// [`Failure`] with exit code 1 when some recordings could not be read, 2 or 3 when nothing could begin.
pub fn classify(arguments: &ClassifyArguments) -> Result<ExitCode, Failure> {
    let Setup { config, bundle, detector } =
        Setup::load(arguments.config.as_deref(), arguments.model.as_deref())?;
    let files = recordings(&arguments.paths)?;
    if arguments.format == ClassifyFormat::Audacity && files.len() > 1 {
        return Err(Failure::usage(anyhow!(
            "a label track belongs to one recording, and there are {}; give them one at a time",
            files.len()
        )));
    }
    let top = if arguments.format == ClassifyFormat::Jsonl {
        config.output.top_labels
    } else {
        bundle.labels.len()
    };
    let spec = RecogniserSpec {
        source: Arc::from(""),
        // each clip brings its own
        sample_rate: bundle.manifest.front_end.sample_rate_hz,
        smoothing: config.detector.smoothing,
        detector,
        top,
    };
    let scorer = bundle.scorer(Schedule::Incremental).map_err(Failure::device_or_model)?;
    let recogniser = Recogniser::new(Box::new(scorer), spec).map_err(Failure::device_or_model)?;
    let mut scanner = ClipScanner::new(bundle.featuriser_spec(), recogniser);
    let mut writer = ClipWriter::new(arguments.format);
    output::print(writer.heading())?;
    let bar = progress_bar(files.len() as u64, "recordings");
    let mut unreadable = 0usize;
    for path in &files {
        if let Err(error) = classify_one(path, &mut scanner, &mut writer) {
            bar.suspend(|| log::error!("{}", error));
            unreadable += 1;
        } else {
            bar.suspend(|| output::print(&writer.take()))?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    match unreadable {
        0 => Ok(ExitCode::SUCCESS),
        some => Err(Failure::failed(anyhow!(
            "{some} of {} recordings could not be classified; each is named above",
            files.len()
        ))),
    }
}

fn classify_one(
    path: &Path,
    scanner: &mut ClipScanner,
    writer: &mut ClipWriter,
) -> anyhow::Result<()> {
    let clip = load_clip(path)?;
    let name: Arc<str> = path.display().to_string().into();
    writer.begin(&name, clip.sample_rate, clip.samples.len() as u64);
    let mut records: Vec<Record> = Vec::new();
    let scan = scanner.scan(&clip, name, &mut |record| records.push(record))?;
    if scan.samples_repaired > 0 {
        log::warn!(
            "{}: {} samples were not finite or absurdly large and counted as zero",
            path.display(),
            scan.samples_repaired
        );
    }
    for record in &records {
        writer.record(record);
    }
    writer.end(scan.padded_samples);
    Ok(())
}

/// Files as they are named, folders searched through for endings that are known, in the order of their names.
pub fn recordings(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            search(path, &mut files)
                .map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))?;
            if files.len() == before {
                return Err(Failure::usage(anyhow!(
                    "{}: no recording in this folder; looked for {}",
                    path.display(),
                    ENDINGS.join(", ")
                )));
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn search(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if path.is_dir() && !path.is_symlink() {
            search(&path, files)?;
        } else if ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
            files.push(path);
        }
    }
    Ok(())
}
