//! What a run trains on, in a few letters: a run may only go on with the features it began with.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ClipFeatures, TrainingSet};

/// Hash of each part of a training set: of every label and every number of every frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetFingerprint {
    /// Clips to fit.
    pub train: PartFingerprint,
    /// Clips to measure on.
    pub validation: PartFingerprint,
    /// Recordings that hold none of the labels.
    pub background: PartFingerprint,
}

/// One part of a training set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartFingerprint {
    /// How many clips.
    pub clips: usize,
    /// Their hash, lower-case hexadecimal.
    pub sha256: String,
}

impl SetFingerprint {
    /// Hashes a set.
    pub fn new(set: &TrainingSet) -> Self {
        Self {
            train: PartFingerprint::new(&set.train),
            validation: PartFingerprint::new(&set.validation),
            background: PartFingerprint::new(&set.background),
        }
    }

    /// The first part that is not as it was, in words.
    pub fn difference(&self, former: &Self) -> Option<String> {
        let parts = [
            ("training clips", &self.train, &former.train),
            ("validation clips", &self.validation, &former.validation),
            ("background recordings", &self.background, &former.background),
        ];
        let (what, now, then) = parts.into_iter().find(|(_, now, then)| now != then)?;
        Some(match (then.clips, now.clips) {
            (then, now) if then == now => format!("the {now} {what} hold other sound"),
            (then, now) => format!("there were {then} {what}, now there are {now}"),
        })
    }
}

impl PartFingerprint {
    fn new(clips: &[ClipFeatures]) -> Self {
        let mut hash = Sha256::new();
        let mut bytes = Vec::new();
        for clip in clips {
            bytes.clear();
            bytes.extend_from_slice(
                &clip.label.map_or(u64::MAX, |label| label as u64).to_le_bytes(),
            );
            bytes.extend_from_slice(&(clip.frames() as u64).to_le_bytes());
            let values = clip.powers.iter().chain(&clip.log_mel);
            bytes.extend(values.flat_map(|value| value.to_le_bytes()));
            hash.update(&bytes);
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { clips: clips.len(), sha256 }
    }
}
