//! One round of the demo, in memory, as fast as one thread goes: the front end alone, then all of it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::BenchmarkError;
use crate::domain::Clip;
use crate::features::{Arrival, Featuriser};
use crate::live::Recipe;
use crate::offline::ClipScanner;
use crate::recognition::{Recogniser, Scorer};
use crate::sources::{Repeat, SampleReader, Soundscape, SourceError};

/// Work as fast as it goes, on one thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Seconds of 48 kHz audio a second, samples → windows.
    pub front_end_times_real_time: f64,
    /// Seconds of 48 kHz audio a second, samples → records.
    pub whole_times_real_time: f64,
    /// Windows a second, samples → records.
    pub windows_per_second: f64,
}

/// Measures it.
///
/// # Errors
/// [`BenchmarkError`] when scorer and rules do not fit each other, or the network fails.
pub(super) fn throughput(
    recipe: &Recipe,
    scorer: Box<dyn Scorer>,
) -> Result<Throughput, BenchmarkError> {
    let clip = demo_round()?;
    let audio = clip.sample_rate.duration_of(clip.samples.len() as u64);
    let front_end = best_of_three(|| {
        let mut featuriser = Featuriser::new(&recipe.featuriser, clip.sample_rate)?;
        let mut windows = 0u64;
        featuriser.push(&clip.samples, Arrival::now(), &mut |_| windows += 1);
        Ok(windows)
    })?;
    let recogniser = Recogniser::new(scorer, recipe.rules.clone(), "demo", clip.sample_rate)?;
    let mut scanner = ClipScanner::new(recipe.featuriser.clone(), recogniser);
    let whole = best_of_three(|| {
        let scan = scanner.scan(&clip, "demo".into(), &mut |_| {})?;
        Ok(scan.windows)
    })?;
    Ok(Throughput {
        front_end_times_real_time: audio.as_secs_f64() / front_end.0.as_secs_f64(),
        whole_times_real_time: audio.as_secs_f64() / whole.0.as_secs_f64(),
        windows_per_second: whole.1 as f64 / whole.0.as_secs_f64(),
    })
}

/// The shortest of three runs, and what it counted: the least disturbed by whatever else the machine does.
fn best_of_three(
    mut run: impl FnMut() -> Result<u64, BenchmarkError>,
) -> Result<(Duration, u64), BenchmarkError> {
    let mut best: Option<(Duration, u64)> = None;
    for _ in 0..3 {
        let begun = Instant::now();
        let count = run()?;
        let took = begun.elapsed();
        if best.is_none_or(|(shortest, _)| took < shortest) {
            best = Some((took, count));
        }
    }
    Ok(best.expect("invariant: it ran three times"))
}

fn demo_round() -> Result<Clip, SourceError> {
    let mut demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Once);
    let mut clip = Clip { sample_rate: demo.sample_rate(), samples: Vec::new() };
    let mut block = [0.0; 4_800];
    loop {
        match demo.read(&mut block)? {
            0 => return Ok(clip),
            read => clip.samples.extend_from_slice(&block[..read]),
        }
    }
}
