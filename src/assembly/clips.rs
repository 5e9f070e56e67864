//! Turns `[clips]` into a sink that records events, and into the labels that forbid it.

use std::sync::Arc;

use super::AssemblyError;
use crate::config::ClipsConfig;
use crate::domain::{OutputCounters, Overflow, nearest};
use crate::live::DaemonInput;
use crate::recognition::DetectorSpec;
use crate::sinks::{ClipFolder, ClipSpec};

/// The clip folder, if anything is to be recorded; every input gets a tap.
///
/// # Errors
/// [`AssemblyError::Output`]: a folder that cannot be written.
pub(super) fn open(
    config: &ClipsConfig,
    inputs: &mut [DaemonInput],
    overflow: Overflow,
    counters: &Arc<OutputCounters>,
) -> Result<Option<ClipFolder>, AssemblyError> {
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
    let mut folder = ClipFolder::open(spec, Arc::clone(counters))?;
    for input in inputs {
        let rate = input.source.sample_rate();
        input.tap = Some(folder.add_source(&input.name, rate, overflow));
    }
    Ok(Some(folder))
}

/// The denied labels as indices; those that the model does not have are [`label_faults`].
pub(super) fn denied_labels(config: &ClipsConfig, detector: &DetectorSpec) -> Vec<usize> {
    let denied = config.deny.iter().filter(|_| config.enabled);
    denied.filter_map(|name| index_of(name, detector)).collect()
}

/// Labels that the model does not have (a denial that could never come would be none), and those that are to be recorded and
/// never become events; with their keys.
pub(super) fn label_faults(
    config: &ClipsConfig,
    detector: &DetectorSpec,
) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    if !config.enabled {
        return faults;
    }
    let labels = config.labels.iter().filter_map(|name| label_fault(name, detector));
    faults.extend(labels.map(|fault| ("clips.labels", fault)));
    let denied = config.deny.iter().filter(|name| index_of(name, detector).is_none());
    faults.extend(denied.filter_map(|name| Some(("clips.deny", label_fault(name, detector)?))));
    faults
}

/// Why nothing ever comes of the events of a label: the model does not have it, or it never becomes an event.
pub(super) fn label_fault(name: &str, detector: &DetectorSpec) -> Option<String> {
    let Some(index) = index_of(name, detector) else {
        let nearest = nearest(name, detector.labels().iter().map(|label| &**label));
        let nearest = nearest.map(|it| format!("; did you mean {it:?}?")).unwrap_or_default();
        return Some(format!("the model has no label {name:?}{nearest}"));
    };
    (!detector.is_allowed(index)).then(|| {
        format!(
            "{name:?} never becomes an event, as detector.allow or detector.deny says; nothing would come of it"
        )
    })
}

fn index_of(name: &str, detector: &DetectorSpec) -> Option<usize> {
    detector.labels().iter().position(|label| **label == *name)
}
