//! The envelope that trimming goes by, drawn before anything is trimmed: to try out a threshold and see it.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::destination::{Destination, failure_of, name};
use super::recordings::{load, signal};
use crate::cli::Failure;
use crate::cli::clean::Level;
use crate::cli::output::{self, progress_bar};
use crate::domain::SampleRate;
use crate::dsp::{EnvelopeSpec, EnvelopeStatistic, envelope};
use crate::offline::{map_clips, normalise_clip, worker_count};
use crate::plots::{Envelope, draw_envelope, draw_histogram};
use crate::sources::{READ_FORMATS, find_recordings};

/// Arguments of `tympan plot envelope`.
#[derive(Debug, Args)]
pub(super) struct EnvelopeArguments {
    #[arg(value_name = "PATH", help = format!("Recording ({READ_FORMATS}), or a folder of them: a table of thresholds"))]
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
    #[arg(long, value_enum, default_value_t = Level::None)]
    normalise: Level,
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
    if arguments.file.is_dir() {
        return of_folder(arguments, &spec);
    }
    let mut clip = load(&arguments.file)?;
    normalise_clip(&mut clip, arguments.normalise.into());
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

/// Thresholds that a folder is judged by, beside the one asked for.
const THRESHOLDS_DBFS: [f32; 7] = [-70.0, -60.0, -55.0, -50.0, -45.0, -40.0, -30.0];

/// Prints what thresholds would leave of a folder's recordings, and draws how much of each the one asked for would.
fn of_folder(arguments: &EnvelopeArguments, asked: &EnvelopeSpec) -> Result<(), Failure> {
    let files = find_recordings(std::slice::from_ref(&arguments.file)).map_err(Failure::usage)?;
    let mut thresholds = THRESHOLDS_DBFS.to_vec();
    thresholds.push(asked.threshold_dbfs);
    thresholds.sort_by(f32::total_cmp);
    thresholds.dedup();
    let bar = progress_bar(files.len() as u64, "recordings");
    let work = |_: &mut (), _: usize, path: &PathBuf| {
        let mut clip = load(path)?;
        normalise_clip(&mut clip, arguments.normalise.into());
        let amplitudes = envelope(&clip.samples, clip.sample_rate, asked);
        let kept = |&threshold_dbfs: &f32| {
            let spec = EnvelopeSpec { threshold_dbfs, ..*asked };
            spec.sounding(&amplitudes).iter().filter(|&&sounds| sounds).count()
        };
        let kept: Vec<usize> = thresholds.iter().map(kept).collect();
        Ok((kept, clip.samples.len(), clip.sample_rate))
    };
    let measured = map_clips(&files, vec![(); worker_count()], work, &|| bar.inc(1));
    bar.finish_and_clear();
    let measured: Vec<_> = measured.into_iter().collect::<Result<_, Failure>>()?;
    let mut table =
        format!("{:>9} {:>8} {:>14} {:>13}\n", "threshold", "kept", "half or less", "nothing left");
    for (column, threshold) in thresholds.iter().enumerate() {
        let share = |it: &(Vec<usize>, usize, SampleRate)| it.0[column] as f64 / it.1 as f64;
        let seconds = |count: usize, rate: SampleRate| rate.duration_of(count as u64).as_secs_f64();
        let kept: f64 = measured.iter().map(|(kept, _, rate)| seconds(kept[column], *rate)).sum();
        let all: f64 = measured.iter().map(|(_, all, rate)| seconds(*all, *rate)).sum();
        let half = measured.iter().filter(|it| share(it) <= 0.5).count();
        let none = measured.iter().filter(|it| it.0[column] == 0).count();
        let kept = format!("{:.1} %", kept / all * 100.0);
        let line = format!("{threshold:>5} dB {kept:>10} {half:>14} {none:>13}");
        let mark = if *threshold == asked.threshold_dbfs { "  <" } else { "" };
        table.push_str(&format!("{line}{mark}\n"));
    }
    output::print(&format!(
        "{}{} recordings; half or less, nothing left: of so many recordings\n",
        table,
        files.len()
    ))?;
    let asked_column = thresholds.iter().position(|it| *it == asked.threshold_dbfs).unwrap_or(0);
    let shares: Vec<f64> = measured
        .iter()
        .map(|(kept, all, _)| kept[asked_column] as f64 / *all as f64 * 100.0)
        .collect();
    let title = format!("{}: kept above {} dBFS", name(&arguments.file), asked.threshold_dbfs);
    let sheet = arguments.destination.sheet(title);
    let picture = draw_histogram(&shares, "kept of a recording (%)", &sheet).map_err(failure_of)?;
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
