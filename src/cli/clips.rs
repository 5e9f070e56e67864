//! Turns `[clips]` into a sink that records events, and into the labels that forbid it.

use std::sync::Arc;

use anyhow::anyhow;

use super::Failure;
use crate::config::ClipsConfig;
use crate::domain::{Counters, SampleRate};
use crate::recognition::DetectorSpec;
use crate::sinks::{AudioTap, ClipFolder, ClipSpec, WhenFull};

/// The clip folder and its tap, if anything is to be recorded.
///
/// # Errors
/// [`Failure`] with exit code 2: a folder that cannot be written.
pub fn open(
    config: &ClipsConfig,
    sample_rate: SampleRate,
    when_full: WhenFull,
    counters: &Arc<Counters>,
) -> Result<Option<(ClipFolder, AudioTap)>, Failure> {
    if !config.enabled {
        return Ok(None);
    }
    let spec = ClipSpec {
        folder: config.folder.clone(),
        labels: config.labels.clone(),
        is_denying: !config.deny.is_empty(),
        before: config.before,
        after: config.after,
        longest: config.longest,
        total_bytes: config.max_total_bytes,
        age: config.max_age,
    };
    ClipFolder::open(spec, sample_rate, when_full, Arc::clone(counters))
        .map(Some)
        .map_err(Failure::usage)
}

/// The denied labels as indices; all labels that are named have to be the model's.
///
/// # Errors
/// [`Failure`] with exit code 2: a label that the model does not have (a denial that could never come would be none), or one
/// that is to be recorded and never becomes an event.
pub fn veto(config: &ClipsConfig, detector: &DetectorSpec) -> Result<Vec<usize>, Failure> {
    if !config.enabled {
        return Ok(Vec::new());
    }
    let labels = detector.labels();
    let index = |key: &str, name: &String| {
        labels.iter().position(|label| **label == **name).ok_or_else(|| {
            let nearest =
                labels.iter().min_by_key(|label| strsim::damerau_levenshtein(label, name));
            let nearest =
                nearest.map(|label| format!("; did you mean {label:?}?")).unwrap_or_default();
            Failure::usage(anyhow!("clips.{key}: the model has no label {name:?}{nearest}"))
        })
    };
    for name in &config.labels {
        if !detector.is_allowed(index("labels", name)?) {
            return Err(Failure::usage(anyhow!(
                "clips.labels: {name:?} never becomes an event, as detector.allow or detector.deny says; nothing would be \
                 recorded of it"
            )));
        }
    }
    config.deny.iter().map(|name| index("deny", name)).collect()
}
