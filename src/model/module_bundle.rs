//! A TorchScript module on disk, with its `model.toml`: read and checked, not run. And a bundle of either kind. Loaded by every
//! command that scores.

use std::path::{Path, PathBuf};

use super::bundle::{MANIFEST, MAX_MANIFEST_BYTES, is_of_module, parse_manifest, read, sha256};
use super::module_manifest::{ModuleInput, WaveformInput, WaveformNormalisation};
use super::{Bundle, BundleError, LabelsFile, ModuleManifest};
use crate::domain::LabelSet;
use crate::features::FrontEnd;
use crate::recognition::{ModelTraits, Thresholds};

/// No module is larger: a hundred times those that listening is done with.
const MAX_MODULE_BYTES: u64 = 512 << 20;

/// Eighty times AudioSet's 527 labels, with their numbers.
const MAX_LABELS_BYTES: u64 = 1 << 20;

/// Over a thousand windows of 527 labels.
const MAX_GOLDEN_BYTES: u64 = 16 << 20;

/// Two minutes at 32 kHz: what asks for more is a mistake, and memory is taken for all of it.
const MAX_WINDOW_SAMPLES: usize = 1 << 22;

/// A module whose every part was checked, but for what only running it shows.
pub struct ModuleBundle {
    /// Everything but the module.
    pub manifest: ModuleManifest,
    /// The labels, in the order of the outputs.
    pub labels: LabelSet,
    /// The module's file.
    pub module: Vec<u8>,
    /// Its recording with known scores, if it has one.
    pub golden: Option<Golden>,
    /// Where all of it is.
    pub folder: PathBuf,
}

/// A recording and the scores of its windows.
pub struct Golden {
    /// The recording.
    pub clip: PathBuf,
    /// `[windows][labels]`
    pub scores: Vec<Vec<f32>>,
}

/// A bundle of either kind.
pub enum AnyBundle {
    /// A network of tympan's own.
    Network(Box<Bundle>),
    /// A module that others made.
    Module(Box<ModuleBundle>),
}

impl AnyBundle {
    /// The labels, in the order of the outputs.
    pub fn labels(&self) -> &LabelSet {
        match self {
            Self::Network(bundle) => &bundle.labels,
            Self::Module(bundle) => &bundle.labels,
        }
    }

    /// Reads and checks a bundle of either kind. Runs no code from it.
    ///
    /// # Errors
    /// [`BundleError`], naming file, what was found and what was expected.
    pub fn load(folder: &Path) -> Result<Self, BundleError> {
        let path = folder.join(MANIFEST);
        let text = read(folder, MANIFEST, MAX_MANIFEST_BYTES)?;
        if is_of_module(&text) {
            let manifest = parse_manifest(&path, text, ModuleBundle::FORMAT_VERSION)?;
            return ModuleBundle::new(folder, manifest)
                .map(|bundle| Self::Module(Box::new(bundle)));
        }
        Bundle::load(folder).map(|bundle| Self::Network(Box::new(bundle)))
    }
}

impl ModuleBundle {
    /// The version of the layout that this program reads.
    pub const FORMAT_VERSION: u32 = 2;

    /// Checks `manifest` and reads what it names in `folder`.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn new(folder: &Path, manifest: ModuleManifest) -> Result<Self, BundleError> {
        let path = folder.join(MANIFEST);
        let labels = match &manifest.labels_file {
            Some(file) if manifest.labels.is_empty() => labels_in(folder, file)?,
            None => manifest.labels.clone(),
            Some(_) => return Err(fault(&path, "labels and labels_file exclude each other")),
        };
        let labels = LabelSet::new(&labels)
            .map_err(|source| BundleError::Labels { path: path.clone(), source })?;
        check(&path, &manifest, &labels)?;
        let module = read(folder, &manifest.module.file, MAX_MODULE_BYTES)?;
        let found = sha256(&module);
        if found != manifest.module.sha256.to_lowercase() {
            return Err(BundleError::Hash {
                weights: folder.join(&manifest.module.file),
                manifest: path,
                found,
                expected: manifest.module.sha256,
            });
        }
        let golden = match &manifest.golden {
            None => None,
            Some(files) => {
                let scores = golden_scores(folder, &files.scores, &labels)?;
                Some(Golden { clip: folder.join(&files.clip), scores })
            }
        };
        Ok(Self { manifest, labels, module, golden, folder: folder.to_owned() })
    }

    /// The hash of the module.
    pub fn sha256(&self) -> String {
        self.manifest.module.sha256.to_lowercase()
    }

    /// Where the module is.
    pub fn module_path(&self) -> PathBuf {
        self.folder.join(&self.manifest.module.file)
    }

    /// What a detector needs to know of the model.
    pub fn traits(&self) -> ModelTraits {
        let thresholds = &self.manifest.thresholds;
        let of = |label: &str| *thresholds.labels.get(label).unwrap_or(&thresholds.default);
        let spec = self.manifest.featuriser_spec();
        let hop_samples = spec.window.hop_frames * spec.front_end.frame_hop_samples;
        ModelTraits {
            non_events: Vec::new(),
            thresholds: self.labels.iter().map(|label| of(label)).collect(),
            hop: spec.front_end.sample_rate_hz.duration_of(hop_samples as u64),
            labels: self.labels.clone(),
        }
    }
}

fn fault(path: &Path, message: impl Into<String>) -> BundleError {
    BundleError::Module { path: path.to_owned(), message: message.into() }
}

/// Checks all of a manifest that says something about the module, before anything is allocated by its word.
fn check(path: &Path, manifest: &ModuleManifest, labels: &LabelSet) -> Result<(), BundleError> {
    let thresholds = &manifest.thresholds;
    let named = thresholds.labels.iter().map(|(label, chosen)| (label.as_str(), chosen));
    for (label, Thresholds { on, off }) in named.chain([("", &thresholds.default)]) {
        let key = if label.is_empty() { "default".into() } else { format!("labels.{label:?}") };
        if !label.is_empty() && labels.index_of(label).is_none() {
            return Err(fault(path, format!("thresholds.{key} belongs to no label")));
        }
        // written so that NaN fails
        let sound = 0.0 < *off && off <= on && *on < 1.0;
        if !sound {
            let rule = "0 < off <= on < 1 must hold";
            let message = format!("thresholds.{key} has on = {on} and off = {off}; {rule}");
            return Err(fault(path, message));
        }
    }
    if manifest.output.index.is_some() && manifest.output.key.is_some() {
        return Err(fault(path, "output.index and output.key exclude each other"));
    }
    if let ModuleInput::Waveform(input) = &manifest.input {
        check_waveform(path, input)?;
    }
    let front_end = |source| BundleError::FrontEnd { path: path.to_owned(), source };
    let spec = manifest.featuriser_spec();
    spec.window.check().map_err(front_end)?;
    let samples = spec.window.frames.saturating_mul(spec.front_end.mel_bands);
    if samples > MAX_WINDOW_SAMPLES {
        let message = format!("a window has {samples} values; at most {MAX_WINDOW_SAMPLES} do");
        return Err(fault(path, message));
    }
    spec.normaliser.check(spec.front_end.mel_bands).map_err(front_end)?;
    FrontEnd::new(&spec.front_end, spec.front_end.sample_rate_hz).map_err(front_end)?;
    Ok(())
}

fn check_waveform(path: &Path, input: &WaveformInput) -> Result<(), BundleError> {
    let WaveformInput { samples, hop_samples, scale, pre_emphasis, normalise, .. } = *input;
    if !(1..=MAX_WINDOW_SAMPLES).contains(&samples) || !(1..=samples).contains(&hop_samples) {
        let message = format!(
            "input.samples is {samples} and input.hop_samples {hop_samples}; both must be at least 1, the hop at most \
             the window, and the window at most {MAX_WINDOW_SAMPLES} samples"
        );
        return Err(fault(path, message));
    }
    if !(scale.is_normal() && scale > 0.0) {
        let message =
            format!("input.scale is {scale}; it must be positive: 1.0, or 32768.0 for 16 bits");
        return Err(fault(path, message));
    }
    if !(0.0..1.0).contains(&pre_emphasis) {
        let range = "it must be at least 0 and below 1";
        return Err(fault(path, format!("input.pre_emphasis is {pre_emphasis}; {range}")));
    }
    let usable = match normalise {
        WaveformNormalisation::None | WaveformNormalisation::RemoveMean => true,
        WaveformNormalisation::Peak(peak) => peak.is_normal() && peak > 0.0,
        WaveformNormalisation::RmsDbfs(level) => (-120.0..=0.0).contains(&level),
        WaveformNormalisation::Affine(affine) => {
            affine.mean.is_finite() && affine.deviation.is_normal() && affine.deviation > 0.0
        }
    };
    if usable {
        return Ok(());
    }
    let rule = "a peak and a deviation are positive, rms_dbfs lies between -120 and 0";
    Err(fault(path, format!("input.normalise is {normalise:?}; {rule}")))
}

/// The labels of one column.
fn labels_in(folder: &Path, file: &LabelsFile) -> Result<Vec<String>, BundleError> {
    let path = folder.join(&file.file);
    let bytes = read(folder, &file.file, MAX_LABELS_BYTES)?;
    let mut table = csv::Reader::from_reader(&*bytes);
    let unreadable = |error: csv::Error| fault(&path, format!("not readable as CSV: {error}"));
    let headings = table.headers().map_err(unreadable)?.clone();
    let Some(column) = headings.iter().position(|heading| heading == file.column) else {
        let there: Vec<&str> = headings.iter().collect();
        let message = format!("no column {:?}; there are {}", file.column, there.join(", "));
        return Err(fault(&path, message));
    };
    let label = |row: csv::StringRecord| row.get(column).unwrap_or_default().to_owned();
    table.records().map(|row| row.map(label).map_err(unreadable)).collect()
}

/// The scores that a recording is known to have.
fn golden_scores(
    folder: &Path,
    file: &str,
    labels: &LabelSet,
) -> Result<Vec<Vec<f32>>, BundleError> {
    let path = folder.join(file);
    let bytes = read(folder, file, MAX_GOLDEN_BYTES)?;
    let mut table = csv::Reader::from_reader(&*bytes);
    let unreadable = |error: csv::Error| fault(&path, format!("not readable as CSV: {error}"));
    let headings = table.headers().map_err(unreadable)?.clone();
    if !headings.iter().eq(labels.iter().map(|label| &**label)) {
        return Err(fault(&path, "its first line is not the labels in the order of the outputs"));
    }
    let mut rows = Vec::new();
    for row in table.deserialize() {
        rows.push(row.map_err(unreadable)?);
    }
    if rows.is_empty() {
        return Err(fault(&path, "it has no row; there is one a window"));
    }
    Ok(rows)
}
