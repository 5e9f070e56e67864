//! A model on disk: `model.toml`, `weights.safetensors`, `README.md`; each read within a bound and from nowhere else, and
//! written whole. Written by training, loaded by every command.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::weights::{MAX_HEADER_BYTES, tensors_in};
use super::{BundleError, Manifest, NetworkError, VERIFIER_FOLDER, VerifierSpec, Weights};
use crate::domain::LabelSet;
use crate::features::{FeaturiserSpec, FrontEnd};
use crate::files::{self, Durability};
use crate::recognition::ModelTraits;

/// The version of the layout that this program writes and reads.
const FORMAT_VERSION: u32 = 1;

/// No weights are larger, whatever their network: 64 times those of the shipped bundle.
const MAX_WEIGHTS_BYTES: u64 = 256 << 20;

/// A bundle whose every part was checked: manifest, hash, labels, shapes.
pub struct Bundle {
    /// Everything but the weights.
    pub manifest: Manifest,
    /// The labels, in the order of the outputs.
    pub labels: LabelSet,
    /// Every tensor of the manifest's network.
    pub weights: Weights,
    /// The bundle of the verifier, if the manifest says that there is one.
    pub verifier: Option<Box<Bundle>>,
}

impl Bundle {
    /// The version of the layout that this program writes and reads.
    pub const FORMAT_VERSION: u32 = FORMAT_VERSION;

    /// The files of a bundle, in the order in which they are written: one with a manifest is whole.
    pub const FILES: [&str; 3] = [WEIGHTS, CARD, MANIFEST];

    /// Reads and checks a bundle. Runs no code from it.
    ///
    /// # Errors
    /// [`BundleError`], naming file, what was found and what was expected.
    pub fn load(folder: &Path) -> Result<Self, BundleError> {
        let path = folder.join(MANIFEST);
        let text = read(folder, MANIFEST, MAX_MANIFEST_BYTES)?;
        if is_of_module(&text) {
            return Err(BundleError::IsModule { path });
        }
        let manifest: Manifest = parse_manifest(&path, text, FORMAT_VERSION)?;
        let labels = check(&path, &manifest)?;
        let bytes = read(folder, WEIGHTS, max_weights_bytes(&manifest, &labels))?;
        let found = sha256(&bytes);
        if found != manifest.weights_sha256.to_lowercase() {
            return Err(BundleError::Hash {
                weights: folder.join(WEIGHTS),
                manifest: path,
                found,
                expected: manifest.weights_sha256,
            });
        }
        let spec = manifest.verifier;
        let bundle = Self::from_parts(folder, manifest, &bytes)?;
        match spec {
            Some(spec) => bundle.with_verifier(spec, &folder.join(VERIFIER_FOLDER)),
            None => Ok(bundle),
        }
    }

    /// The same with the verifier whose bundle is in `folder`.
    ///
    /// # Errors
    /// [`BundleError`], as [`Self::load`]; [`BundleError::Verifier`] when the two do not belong together.
    pub fn with_verifier(mut self, spec: VerifierSpec, folder: &Path) -> Result<Self, BundleError> {
        let verifier = Self::load(folder)?;
        check_verifier(folder, &verifier, &self.manifest)?;
        self.manifest.verifier = Some(spec);
        self.verifier = Some(Box::new(verifier));
        Ok(self)
    }

    /// The bundle that `manifest` and the bytes of a weights file make, checked, without a verifier; `folder` is for its errors.
    ///
    /// # Errors
    /// [`BundleError`], as [`Self::load`], but for missing files and the hash.
    pub fn from_parts(
        folder: &Path,
        manifest: Manifest,
        weights: &[u8],
    ) -> Result<Self, BundleError> {
        let labels = check(&folder.join(MANIFEST), &manifest)?;
        let weights = read_weights(folder, weights, &manifest, &labels)?;
        Ok(Self { manifest, labels, weights, verifier: None })
    }

    /// Writes a bundle: weights and card first, the manifest last, so that a bundle with a manifest is whole.
    ///
    /// # Errors
    /// [`BundleError::File`] when a file cannot be written.
    pub fn write(
        folder: &Path,
        manifest: &mut Manifest,
        weights: &[u8],
        card: &str,
    ) -> Result<(), BundleError> {
        manifest.weights_sha256 = sha256(weights);
        let text = toml::to_string(manifest).map_err(|error| BundleError::Manifest {
            path: folder.join(MANIFEST),
            line: 1,
            message: error.to_string(),
        })?;
        std::fs::create_dir_all(folder)
            .map_err(|source| BundleError::File { path: folder.to_owned(), source })?;
        write(folder, WEIGHTS, weights)?;
        write(folder, CARD, card.as_bytes())?;
        write(folder, MANIFEST, text.as_bytes())
    }

    /// Everything a window depends on.
    pub fn featuriser_spec(&self) -> FeaturiserSpec {
        self.manifest.featuriser_spec()
    }

    /// What a detector needs to know of the model.
    pub fn traits(&self) -> ModelTraits {
        self.manifest.traits(&self.labels)
    }
}

/// Checks that a verifier's bundle sees the windows and has the labels of the model it belongs to.
///
/// # Errors
/// [`BundleError::Verifier`], saying what differs.
fn check_verifier(
    folder: &Path,
    verifier: &Bundle,
    manifest: &Manifest,
) -> Result<(), BundleError> {
    let theirs = &verifier.manifest;
    let differs = [
        ("verifier", verifier.verifier.is_some()),
        ("labels", theirs.labels != manifest.labels),
        ("front_end", theirs.front_end != manifest.front_end),
        ("window.frames", theirs.window.frames != manifest.window.frames),
        ("normaliser", theirs.normaliser != manifest.normaliser),
        ("activation", theirs.activation != manifest.activation),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        Some((what, _)) => Err(BundleError::Verifier { folder: folder.to_owned(), what }),
        None => Ok(()),
    }
}

/// Whether a manifest is that of a module that others made.
pub(super) fn is_of_module(manifest: &[u8]) -> bool {
    toml::from_slice::<toml::Table>(manifest).is_ok_and(|table| table.contains_key("runtime"))
}

/// Checks all of a manifest, before anything is allocated by its word.
fn check(path: &Path, manifest: &Manifest) -> Result<LabelSet, BundleError> {
    let labels = LabelSet::new(&manifest.labels)
        .map_err(|source| BundleError::Labels { path: path.to_owned(), source })?;
    check_thresholds(path, manifest, &labels)?;
    if let Some(spec) = manifest.verifier.filter(|spec| !spec.is_sound()) {
        let message = format!("verifier has {spec:?}; both numbers must be at least 0 and below 1");
        return Err(BundleError::Thresholds { path: path.to_owned(), message });
    }
    if let Some(label) = manifest.non_events.iter().find(|it| labels.index_of(it).is_none()) {
        let message = format!("non_events names {label:?}, which is no label");
        return Err(BundleError::Thresholds { path: path.to_owned(), message });
    }
    let front_end = |source| BundleError::FrontEnd { path: path.to_owned(), source };
    // the normaliser's length first: it bounds the number of bands by what the file holds
    manifest.normaliser.check(manifest.front_end.mel_bands).map_err(front_end)?;
    manifest.window.check().map_err(front_end)?;
    let (mel_bands, window) = (manifest.front_end.mel_bands, manifest.window);
    manifest
        .network
        .check(mel_bands, window.frames, window.hop_frames)
        .map_err(|source| BundleError::Network { path: path.to_owned(), source })?;
    FrontEnd::new(&manifest.front_end, manifest.front_end.sample_rate_hz).map_err(front_end)?;
    Ok(labels)
}

/// What the weights of a checked manifest may take: its network's numbers, and a header.
fn max_weights_bytes(manifest: &Manifest, labels: &LabelSet) -> u64 {
    let (mel_bands, outputs) = (manifest.front_end.mel_bands as i64, labels.len() as i64);
    let numbers = manifest.network.parameters(mel_bands, outputs).cast_unsigned();
    let bytes = numbers.saturating_mul(size_of::<f32>() as u64);
    // the header's own length stands before it, in eight bytes
    bytes.saturating_add(8 + MAX_HEADER_BYTES).min(MAX_WEIGHTS_BYTES)
}

/// The tensors of the manifest's network, from a file's bytes.
fn read_weights(
    folder: &Path,
    bytes: &[u8],
    manifest: &Manifest,
    labels: &LabelSet,
) -> Result<Weights, BundleError> {
    let path = folder.join(WEIGHTS);
    let network_error = |source| BundleError::Network { path: path.clone(), source };
    // the common mistake, an edited list of labels, deserves better words than a tensor's shape
    let file = tensors_in(bytes).map_err(network_error)?;
    let outputs = file.tensor("output.bias").ok().map(|bias| bias.shape().to_vec());
    if let Some([outputs]) = outputs.as_deref()
        && *outputs != labels.len()
    {
        return Err(BundleError::LabelCount {
            manifest: folder.join(MANIFEST),
            weights: path,
            labels: labels.len(),
            outputs: *outputs,
        });
    }
    let (mel_bands, outputs) = (manifest.front_end.mel_bands as i64, labels.len() as i64);
    let expected = manifest.network.parameters(mel_bands, outputs);
    let found: usize =
        file.iter().map(|(_, tensor)| tensor.shape().iter().product::<usize>()).sum();
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    if expected > found {
        return Err(network_error(NetworkError::Parameters { expected, found }));
    }
    Weights::from_bytes(bytes, &manifest.network.tensors(mel_bands, outputs)).map_err(network_error)
}

/// A manifest of one of the layouts.
///
/// # Errors
/// [`BundleError::FormatVersion`] when it is another one's, [`BundleError::Manifest`] when it cannot be read.
pub(super) fn parse_manifest<M: DeserializeOwned>(
    path: &Path,
    text: Vec<u8>,
    known: u32,
) -> Result<M, BundleError> {
    let text = String::from_utf8(text).map_err(|_| BundleError::Manifest {
        path: path.to_owned(),
        line: 1,
        message: "not UTF-8 text".into(),
    })?;
    let fault = |error: &toml::de::Error| BundleError::Manifest {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1),
        message: error.message().to_owned(),
    };
    let table: toml::Table = toml::from_str(&text).map_err(|error| fault(&error))?;
    let version = table.get("format_version").and_then(toml::Value::as_integer);
    if let Some(found) = version.and_then(|version| u32::try_from(version).ok())
        && found != known
    {
        return Err(BundleError::FormatVersion { path: path.to_owned(), found, known });
    }
    toml::from_str(&text).map_err(|error| fault(&error))
}

fn check_thresholds(
    path: &Path,
    manifest: &Manifest,
    labels: &LabelSet,
) -> Result<(), BundleError> {
    let fault = |message: String| BundleError::Thresholds { path: path.to_owned(), message };
    let known: BTreeSet<&str> = labels.iter().map(|label| &**label).collect();
    for (label, chosen) in &manifest.thresholds {
        if !known.contains(label.as_str()) {
            return Err(fault(format!("thresholds.{label} belongs to no label")));
        }
        // written so that NaN fails
        let sound = 0.0 < chosen.off && chosen.off <= chosen.on && chosen.on < 1.0;
        if !sound {
            return Err(fault(format!(
                "thresholds.{label} has on = {} and off = {}; 0 < off <= on < 1 must hold",
                chosen.on, chosen.off
            )));
        }
    }
    match known.iter().find(|label| !manifest.thresholds.contains_key(**label)) {
        Some(label) => Err(fault(format!("label {label:?} has no entry in [thresholds]"))),
        None => Ok(()),
    }
}

pub const MANIFEST: &str = "model.toml";
pub const WEIGHTS: &str = "weights.safetensors";
pub const CARD: &str = "README.md";

/// The plan of a training run, in the folder of its bundle until that is whole.
pub const UNFINISHED_RUN: &str = "run.json";

/// Two hundred times the manifest of the shipped bundle, which has 50 labels.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The bytes of a file of the bundle, `max` at most, whatever the file system claims of its length.
///
/// # Errors
/// [`BundleError::Missing`], [`BundleError::Outside`] where a link leads out of the bundle, [`BundleError::TooLarge`], or
/// [`BundleError::File`] when it is no file or cannot be read.
pub fn read(folder: &Path, file: &str, max: u64) -> Result<Vec<u8>, BundleError> {
    let path = folder.join(file);
    let failed = |source| BundleError::File { path: path.clone(), source };
    // a file system whose server is away would hold us here already
    let (file_path, folder_path) = (path.clone(), folder.to_owned());
    let resolve = move || Ok((file_path.canonicalize()?, folder_path.canonicalize()?));
    let (target, inside) = match files::within(files::MAX_WAIT, resolve) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(missing(folder, file));
        }
        resolved => resolved.map_err(failed)?,
    };
    if !target.starts_with(inside) {
        return Err(BundleError::Outside { path, target });
    }
    files::read_regular(&target, max).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => {
            // what the file system claims, unless it claims less than there is
            let found = std::fs::metadata(&target).map_or(0, |found| found.len()).max(max + 1);
            BundleError::TooLarge { path, found, max }
        }
        _ => BundleError::File { path, source: error },
    })
}

/// What a folder is that lacks a file of a bundle.
fn missing(folder: &Path, file: &str) -> BundleError {
    let (folder, file) = (folder.to_owned(), file.to_owned());
    if folder.join(UNFINISHED_RUN).is_file() {
        BundleError::Unfinished { folder }
    } else if folder.join("fold1").join(MANIFEST).is_file() {
        BundleError::Folds { folder }
    } else {
        BundleError::Missing { folder, file }
    }
}

/// Writes a file of the bundle; nobody reads half of it.
///
/// # Errors
/// [`BundleError::File`].
pub fn write(folder: &Path, file: &'static str, bytes: &[u8]) -> Result<(), BundleError> {
    let path = folder.join(file);
    files::replace(&path, bytes, Durability::Synced)
        .map_err(|source| BundleError::File { path, source })
}

/// The hash that a manifest has of its weights.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
