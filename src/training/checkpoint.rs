//! A training run on disk: one safetensors file with the tensors, how far it has come in its header, and what it trains on in a
//! few letters. Written by the trainer, read when it goes on, with the features it began with alone.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

use super::{ClipFeatures, TrainingError, TrainingSet, TrainingSpec, TrainingState};
use crate::files::{self, Durability};

/// Entry of the header with everything that is no tensor, in TOML: its numbers come back bit by bit.
const ENTRY: &str = "tympan";

/// What a checkpoint says in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointHead {
    /// The version of tympan that wrote it.
    pub tympan_version: String,
    /// How far the run has come.
    pub state: TrainingState,
    /// How it trains.
    pub spec: TrainingSpec,
    /// What it trains on.
    pub set: SetFingerprint,
}

/// A run that can go on.
pub struct Checkpoint {
    /// Everything but tensors.
    pub head: CheckpointHead,
    /// Rows of numbers by name.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Checkpoint {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// [`TrainingError::File`] when there is none or it cannot be read, [`TrainingError::BadCheckpoint`] when it is
    /// damaged or another version's.
    pub fn load(path: &Path) -> Result<Self, TrainingError> {
        let bad = |reason: String| TrainingError::BadCheckpoint { path: path.to_owned(), reason };
        let bytes = std::fs::read(path)
            .map_err(|source| TrainingError::File { path: path.to_owned(), source })?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| bad(e.to_string()))?;
        let text = header.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
        let text = text.ok_or_else(|| bad(format!("it has no entry {ENTRY:?}")))?;
        let head = toml::from_str(text).map_err(|e| bad(e.message().to_owned()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| bad(e.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            let length = [view.shape().iter().product::<usize>() as i64];
            if view.dtype() != Dtype::F32 {
                return Err(bad(format!("tensor {name:?} is {:?}, not F32", view.dtype())));
            }
            let tensor = Tensor::f_from_data_size(view.data(), &length, Kind::Float)?;
            tensors.insert(name.to_owned(), tensor);
        }
        Ok(Self { head, tensors })
    }

    /// Writes it beside `path`, waits for the disk, and renames it: whatever happens meanwhile, the former one or this
    /// one is there, whole.
    ///
    /// # Errors
    /// [`TrainingError::File`] when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TrainingError> {
        let bad = |reason: String| TrainingError::BadCheckpoint { path: path.to_owned(), reason };
        let head = toml::to_string(&self.head).map_err(|e| bad(e.to_string()))?;
        let mut rows: BTreeMap<&String, Vec<u8>> = BTreeMap::new();
        for (name, tensor) in &self.tensors {
            let values = Vec::<f32>::try_from(tensor)?;
            rows.insert(name, values.iter().flat_map(|value| value.to_le_bytes()).collect());
        }
        let views: BTreeMap<&String, TensorView<'_>> = rows
            .iter()
            .map(|(name, row)| {
                TensorView::new(Dtype::F32, vec![row.len() / 4], row).map(|view| (*name, view))
            })
            .collect::<Result<_, _>>()
            .map_err(|e| bad(e.to_string()))?;
        let header = HashMap::from([(ENTRY.to_owned(), head)]);
        let bytes = safetensors::serialize(views, Some(header)).map_err(|e| bad(e.to_string()))?;
        write_whole(path, &bytes)
    }

    /// The row of that name, checked for its length.
    ///
    /// # Errors
    /// [`TrainingError::BadCheckpoint`] when it is missing or of another length.
    pub fn row(&self, name: &str, length: i64, path: &Path) -> Result<Tensor, TrainingError> {
        let bad = |reason| TrainingError::BadCheckpoint { path: path.to_owned(), reason };
        let row =
            self.tensors.get(name).ok_or_else(|| bad(format!("it has no tensor {name:?}")))?;
        let found = row.numel() as i64;
        if found != length {
            let reason = format!("tensor {name:?} has {found} numbers, the network needs {length}");
            return Err(bad(reason));
        }
        Ok(row.copy())
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    files::replace(path, bytes, Durability::Synced)
        .map_err(|source| TrainingError::File { path: path.to_owned(), source })
}

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
    /// The clips to fit as rooms would sound them.
    pub reverberant: PartFingerprint,
    /// Clips of labels that are no events.
    pub non_events: PartFingerprint,
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
            reverberant: PartFingerprint::new(&set.reverberant),
            non_events: PartFingerprint::new(set.non_events.iter().flatten()),
        }
    }

    /// The first part that is not as it was, in words.
    pub fn difference(&self, former: &Self) -> Option<String> {
        let parts = [
            ("training clips", &self.train, &former.train),
            ("validation clips", &self.validation, &former.validation),
            ("background recordings", &self.background, &former.background),
            ("clips in rooms", &self.reverberant, &former.reverberant),
            ("clips of labels that are no events", &self.non_events, &former.non_events),
        ];
        let (what, now, then) = parts.into_iter().find(|(_, now, then)| now != then)?;
        Some(match (then.clips, now.clips) {
            (then, now) if then == now => format!("the {now} {what} hold other sound"),
            (then, now) => format!("there were {then} {what}, now there are {now}"),
        })
    }
}

impl PartFingerprint {
    fn new<'a>(clips: impl IntoIterator<Item = &'a ClipFeatures>) -> Self {
        let mut count = 0;
        let mut hash = Sha256::new();
        let mut bytes = Vec::new();
        for clip in clips {
            count += 1;
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
        Self { clips: count, sha256 }
    }
}
