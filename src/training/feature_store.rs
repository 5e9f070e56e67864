//! Features that are computed once: kept in a folder, each under a name that everything they depend on determines. Asked
//! by the commands before a recording is opened; runs on their workers.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::ClipFeatures;
use crate::domain::Clip;
use crate::features::FrontEndSpec;
use crate::files::{self, Durability};

/// Begins every entry; rises with the layout.
const MAGIC: &[u8; 16] = b"tympan features1";
const HASH_BYTES: usize = 32;

/// Makes features, or finds those made before.
#[derive(Debug, Clone)]
pub struct FeatureStore {
    /// Samples → frames.
    pub front_end: FrontEndSpec,
    /// Clips shorter than this, at the model's rate, get silence at their end.
    pub window_samples: u64,
    /// Where features are kept; nowhere by default.
    pub folder: Option<PathBuf>,
}

/// Which stretch of which recording, treated how.
#[derive(Debug, Clone, Copy)]
pub struct FeatureSource<'a> {
    /// The recording.
    pub path: &'a Path,
    /// Which part of it, and how it is cleaned, in any words that differ for all cases.
    pub treatment: &'a str,
    /// The label its features get.
    pub label: Option<usize>,
}

impl FeatureStore {
    /// The features of a recording; `load` is called when they are not there yet, or damaged.
    ///
    /// # Errors
    /// In words, what keeps the recording from being used.
    pub fn features(
        &self,
        source: FeatureSource<'_>,
        load: impl FnOnce() -> Result<Clip, String>,
    ) -> Result<ClipFeatures, String> {
        let entry = self.folder.as_ref().and_then(|folder| {
            let metadata = std::fs::metadata(source.path).ok()?;
            Some(folder.join(format!("{}.features", self.key(source, &metadata))))
        });
        if let Some(kept) = entry.as_deref().and_then(|entry| self.read(entry, source.label)) {
            return Ok(kept);
        }
        let clip = load()?;
        let features = ClipFeatures::new(&clip, source.label, &self.front_end, self.window_samples)
            .map_err(|error| error.to_string())?;
        if let Some(entry) = &entry
            && let Err(error) = write(entry, &features)
        {
            log::warn!("{}: features are not kept: {error}", entry.display());
        }
        Ok(features)
    }

    /// Everything that features depend on, in a few letters.
    fn key(&self, source: FeatureSource<'_>, metadata: &Metadata) -> String {
        let modified =
            metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let path = std::path::absolute(source.path).unwrap_or_else(|_| source.path.to_owned());
        let text = format!(
            "{:?}\n{}\n{}\n{}\n{}\n{:?}",
            self.front_end,
            self.window_samples,
            source.treatment,
            path.display(),
            metadata.len(),
            modified
        );
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// An entry, if it is there and whole.
    fn read(&self, entry: &Path, label: Option<usize>) -> Option<ClipFeatures> {
        let bytes = files::read_regular(entry, u64::MAX).ok()?;
        let (content, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
        let values = content.strip_prefix(MAGIC)?;
        let width = 1 + self.front_end.mel_bands;
        if Sha256::digest(content).as_slice() != hash || values.len() % (4 * width) != 0 {
            log::warn!("{}: damaged; its features are computed again", entry.display());
            return None;
        }
        let mut values = values.chunks_exact(4).map(|value| {
            f32::from_le_bytes(value.try_into().expect("invariant: chunks of four bytes"))
        });
        let frames = values.len() / width;
        let powers = values.by_ref().take(frames).collect();
        Some(ClipFeatures { label, powers, log_mel: values.collect() })
    }
}

/// Writes an entry beside its place and renames it there: nobody finds half of it.
fn write(entry: &Path, features: &ClipFeatures) -> std::io::Result<()> {
    let mut bytes = MAGIC.to_vec();
    let values = features.powers.iter().chain(&features.log_mel);
    bytes.extend(values.flat_map(|value| value.to_le_bytes()));
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash);
    if let Some(folder) = entry.parent() {
        std::fs::create_dir_all(folder)?;
    }
    files::replace(entry, &bytes, Durability::Cached)
}
