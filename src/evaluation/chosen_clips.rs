//! Which clips are measured: those of the folds asked for, or those the model was validated on; and how the dataset's
//! labels stand among the model's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ClipScores, EvaluationOptions, MeasureError, Treatment};
use crate::model::{Model, Provenance};
use crate::offline::{CleaningSpec, ClipFault, Dataset, DatasetClip, Split, SplitSpec};

/// What is measured.
pub(super) struct ChosenClips {
    /// The whole dataset.
    pub dataset: Dataset,
    /// Which of it, in words.
    pub words: String,
    /// Whether some of it was trained on.
    pub trained_on: bool,
    /// Whether the model's split parted recordings.
    pub leaky: bool,
    /// What is done to each recording first.
    pub cleaning: CleaningSpec,
    /// The model's label of each label of the dataset.
    model_labels: Vec<usize>,
    indices: Vec<usize>,
    data: PathBuf,
}

impl ChosenClips {
    /// Reads the dataset and chooses.
    ///
    /// # Errors
    /// [`MeasureError`] when the dataset cannot be read, has a label the model does not know, or no clip is left.
    pub(super) fn new(options: &EvaluationOptions, model: &Model) -> Result<Self, MeasureError> {
        let dataset = Dataset::open(&options.data, &options.dataset)?;
        let model_labels = model_labels(&dataset, model, &options.data)?;
        let provenance = model.provenance();
        let split = recorded_split(provenance, &dataset)?;
        let (indices, words) = choose(options, provenance, &dataset, split.as_ref());
        if indices.is_empty() {
            return Err(MeasureError::NoClips { data: options.data.clone(), words });
        }
        let same = provenance.dataset == dataset.name;
        let trained_on = match &split {
            Some(split) => indices.iter().any(|index| split.train.binary_search(index).is_ok()),
            None => indices.iter().any(|&index| {
                let fold = dataset.clips[index].fold;
                same && fold.is_none_or(|fold| provenance.train_folds.contains(&fold))
            }),
        };
        let recorded = CleaningSpec::deserialize(provenance.cleaning.clone());
        let recorded =
            recorded.map_err(|error| MeasureError::Cleaning { reason: error.to_string() })?;
        Ok(Self {
            words,
            trained_on,
            leaky: provenance.leaky && same,
            cleaning: match options.treatment {
                Treatment::AsTrained => recorded,
                Treatment::AsRecorded => CleaningSpec::default(),
            },
            model_labels,
            indices,
            dataset,
            data: options.data.clone(),
        })
    }

    /// The clips chosen, in the dataset's order, with the dataset's own labels.
    pub(super) fn clips(&self) -> Vec<&DatasetClip> {
        self.indices.iter().map(|&index| &self.dataset.clips[index]).collect()
    }

    /// The clips' files, below the dataset's folder.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.clips().into_iter().map(|clip| {
            let below = clip.path.strip_prefix(&self.data).unwrap_or(&clip.path);
            below.display().to_string()
        })
    }

    /// Recordings among those chosen that the dataset lists but that cannot be used: those of the folds measured on,
    /// and all whose fold nobody knows.
    pub(super) fn faults(&self) -> Vec<ClipFault> {
        let folds: BTreeSet<Option<u32>> = self.clips().iter().map(|clip| clip.fold).collect();
        let faults = self.dataset.faults.iter();
        faults.filter(|it| it.fold.is_none() || folds.contains(&it.fold)).cloned().collect()
    }

    /// The model's label of a clip.
    pub(super) fn model_label(&self, clip: &DatasetClip) -> usize {
        self.model_labels[clip.label]
    }

    /// Scores of the dataset's labels alone, in the dataset's order.
    pub(super) fn narrowed(&self, mut clip: ClipScores) -> ClipScores {
        for window in &mut clip.windows {
            window.scores = self.model_labels.iter().map(|&label| window.scores[label]).collect();
        }
        clip
    }
}

fn model_labels(dataset: &Dataset, model: &Model, path: &Path) -> Result<Vec<usize>, MeasureError> {
    let mut unknown = Vec::new();
    let mut known = Vec::new();
    for label in dataset.labels.iter() {
        match model.labels().iter().position(|of_model| of_model == label) {
            Some(index) => known.push(index),
            None => unknown.push(label.to_string()),
        }
    }
    if unknown.is_empty() {
        return Ok(known);
    }
    let model = model.name().to_owned();
    Err(MeasureError::UnknownLabels { data: path.to_owned(), model, unknown })
}

/// The split the model was trained with, when this is its dataset.
///
/// # Errors
/// [`MeasureError`] when it was made at random and this is not quite the same set: other clips would count as held out.
fn recorded_split(
    provenance: &Provenance,
    dataset: &Dataset,
) -> Result<Option<Split>, MeasureError> {
    if provenance.split.is_empty() || provenance.dataset != dataset.name {
        return Ok(None);
    }
    let unusable = |reason: String| MeasureError::Split { reason };
    let spec = SplitSpec::deserialize(provenance.split.clone())
        .map_err(|error| unusable(error.to_string()))?;
    let at_random = matches!(spec, SplitSpec::Random { .. });
    match spec.split(dataset) {
        Ok(_) if at_random && dataset.clips.len() != provenance.split_clips => {
            Err(unusable(format!(
                "there are {} clips, and {} were split",
                dataset.clips.len(),
                provenance.split_clips
            )))
        }
        Ok(split) => Ok(Some(split)),
        Err(error) if at_random => Err(unusable(error.to_string())),
        // folds stay folds, also of a part of the set
        Err(_) => Ok(None),
    }
}

/// Indices of the clips to measure, and in words which these are.
fn choose(
    options: &EvaluationOptions,
    provenance: &Provenance,
    dataset: &Dataset,
    split: Option<&Split>,
) -> (Vec<usize>, String) {
    let of_folds = |folds: &[u32]| -> Vec<usize> {
        let clips = dataset.clips.iter().enumerate();
        let in_folds = |clip: &DatasetClip| clip.fold.is_some_and(|fold| folds.contains(&fold));
        clips.filter(|(_, clip)| in_folds(clip)).map(|(index, _)| index).collect()
    };
    let named = |folds: &[u32]| {
        let folds: Vec<String> = folds.iter().map(u32::to_string).collect();
        format!("fold{} {}", if folds.len() == 1 { "" } else { "s" }, folds.join(", "))
    };
    if !options.folds.is_empty() {
        return (of_folds(&options.folds), named(&options.folds));
    }
    if let Some(split) = split {
        let part = if split.test.is_empty() { &split.validation } else { &split.test };
        return (part.clone(), format!("the clips held out in training ({})", split.description));
    }
    if provenance.dataset == dataset.name && !provenance.validation_folds.is_empty() {
        return (of_folds(&provenance.validation_folds), named(&provenance.validation_folds));
    }
    ((0..dataset.clips.len()).collect(), "all clips".to_owned())
}
