//! `tympan clean`: recordings as training reads them, written as WAV, to be listened to or used elsewhere.

use std::io::Cursor;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;
use hound::{SampleFormat, WavSpec, WavWriter};

use super::output::progress_bar;
use super::{Failure, output};
use crate::domain::Clip;
use crate::dsp::EnvelopeSpec;
use crate::files::{self, Durability};
use crate::offline::{
    CleaningSpec, ClipNormalisation, DatasetClip, load_clean_clip, map_clips, worker_count,
};
use crate::sources::{READ_FORMATS, find_recordings};

/// Arguments of `tympan clean`.
#[derive(Debug, Args)]
pub struct CleanArguments {
    #[arg(required = true, value_name = "PATH", help = format!("Recordings ({READ_FORMATS}) and folders of them"))]
    paths: Vec<PathBuf>,
    /// Folder to write to; recordings of a folder keep their places below it
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Take silence out: what an envelope of 100 ms has below this level, such as -50, as `train --trim` does
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true)]
    trim: Option<f32>,
    /// Bring every recording to one level first, as `train --normalise` does
    #[arg(long, value_enum, default_value_t = Level::None)]
    normalise: Level,
}

/// To what level a recording is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// It stays as it is
    None,
    /// Its largest amplitude becomes −1 dBFS
    Peak,
    /// Its loudness becomes −23 LUFS
    Loudness,
}

impl From<Level> for ClipNormalisation {
    fn from(level: Level) -> Self {
        match level {
            Level::None => Self::None,
            Level::Peak => Self::Peak,
            Level::Loudness => Self::Loudness,
        }
    }
}

/// What became of one recording.
struct Written {
    before_s: f64,
    after_s: f64,
    /// Samples beyond full scale, which 16 bits cannot hold.
    clipped: usize,
}

/// Writes every recording, mixed to one channel and at its own rate, as 16-bit WAV; those that cannot be read are named.
///
/// # Errors
/// [`Failure`] with exit code 1 when some recordings could not be written, 2 when nothing could begin.
pub fn clean(arguments: &CleanArguments) -> Result<ExitCode, Failure> {
    super::logging::start(log::LevelFilter::Info);
    let trim = arguments
        .trim
        .map(|threshold_dbfs| EnvelopeSpec { threshold_dbfs, ..EnvelopeSpec::default() });
    if let Some(spec) = &trim {
        spec.check().map_err(Failure::usage)?;
    }
    let cleaning = CleaningSpec { normalise: arguments.normalise.into(), trim };
    let jobs = jobs(&arguments.paths, &arguments.out)?;
    let bar = progress_bar(jobs.len() as u64, "recordings");
    let work = |_: &mut (), _: usize, (from, to): &(PathBuf, PathBuf)| write(from, to, &cleaning);
    let written = map_clips(&jobs, vec![(); worker_count()], work, &|| bar.inc(1));
    bar.finish_and_clear();
    let (mut before, mut after, mut failed) = (0.0, 0.0, 0usize);
    for ((from, to), written) in jobs.iter().zip(written) {
        match written {
            Ok(written) => {
                before += written.before_s;
                after += written.after_s;
                output::print(&format!(
                    "{}: {:.2} of {:.2} s\n",
                    to.display(),
                    written.after_s,
                    written.before_s
                ))?;
                if written.clipped > 0 {
                    log::warn!(
                        "{}: {} samples are beyond full scale and were cut off; bring it to a lower level (--normalise peak)",
                        to.display(),
                        written.clipped
                    );
                }
            }
            Err(error) => {
                log::error!(
                    "{}",
                    super::failure::with_causes(&error.context(from.display().to_string()))
                );
                failed += 1;
            }
        }
    }
    let share = if before > 0.0 { after / before * 100.0 } else { 0.0 };
    log::info!(
        "{} recordings, {after:.0} of {before:.0} s kept ({share:.1} %)",
        jobs.len() - failed
    );
    match failed {
        0 => Ok(ExitCode::SUCCESS),
        some => Err(Failure::failed(anyhow!(
            "{some} of {} recordings could not be cleaned; each is named above",
            jobs.len()
        ))),
    }
}

/// Each recording, and the file it becomes.
fn jobs(paths: &[PathBuf], out: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let mut jobs: Vec<(PathBuf, PathBuf)> = Vec::new();
    for given in paths {
        let root = if given.is_dir() { given } else { given.parent().unwrap_or(Path::new("")) };
        for from in find_recordings(std::slice::from_ref(given)).map_err(Failure::usage)? {
            let below: PathBuf = from
                .strip_prefix(root)
                .unwrap_or(&from)
                .components()
                .filter(|part| matches!(part, Component::Normal(_)))
                .collect();
            jobs.push((from, out.join(below).with_extension("wav")));
        }
    }
    let mut taken: std::collections::HashMap<&Path, &Path> = std::collections::HashMap::new();
    for (from, to) in &jobs {
        if let Some(other) = taken.insert(to, from) {
            return Err(Failure::usage(anyhow!(
                "{} and {} would both become {}; clean them into folders of their own",
                other.display(),
                from.display(),
                to.display()
            )));
        }
        let is_input = |to: &Path| {
            to.canonicalize().is_ok_and(|to| from.canonicalize().is_ok_and(|from| from == to))
        };
        if is_input(to) {
            return Err(Failure::usage(anyhow!(
                "{} would be written over itself; choose another --out",
                from.display()
            )));
        }
    }
    Ok(jobs)
}

fn write(from: &Path, to: &Path, cleaning: &CleaningSpec) -> anyhow::Result<Written> {
    let clip = DatasetClip { path: from.to_owned(), label: 0, fold: None, group: None, span: None };
    let load = |cleaning: &CleaningSpec| {
        load_clean_clip(&clip, cleaning).map_err(|fault| anyhow!("{}", fault.reason))
    };
    let after = load(cleaning)?;
    let before_s = match cleaning.trim {
        None => seconds(&after),
        Some(_) => seconds(&load(&CleaningSpec { trim: None, ..*cleaning })?),
    };
    let (bytes, clipped) = wav(&after)?;
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    files::replace(to, &bytes, Durability::Cached).with_context(|| to.display().to_string())?;
    Ok(Written { before_s, after_s: seconds(&after), clipped })
}

fn seconds(clip: &Clip) -> f64 {
    clip.sample_rate.duration_of(clip.samples.len() as u64).as_secs_f64()
}

/// A clip as a WAV file of 16 bits, and how many samples did not fit.
fn wav(clip: &Clip) -> anyhow::Result<(Vec<u8>, usize)> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: clip.sample_rate.hz(),
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut clipped = 0;
    let mut writer = WavWriter::new(&mut bytes, spec)?;
    for &sample in &clip.samples {
        let scaled = (sample * 32_768.0).round();
        clipped += usize::from(!(-32_768.0..=32_768.0).contains(&scaled));
        // a cast of a number beyond the range gives the end of the range, and of none 0
        writer.write_sample(scaled as i16)?;
    }
    writer.finalize()?;
    Ok((bytes.into_inner(), clipped))
}
