//! A plan resolved against its dataset: which clips are fitted to and measured on. Made first of all, read by everything after.

use std::path::{Path, PathBuf};

use super::{FitError, NonEventSource, SplitChoice, TrainingPlan};
use crate::domain::LabelSet;
use crate::features::Normaliser;
use crate::model::{Bundle, BundleError};
use crate::offline::{Dataset, KFoldSpec, Layout, Leak, Split, SplitSpec, k_fold};
use crate::sources::find_recordings;
use crate::training::{LossFunction, OTHER, StartWeights};

/// Share that is measured on where the options set no other and the dataset has no folds.
const RANDOM_SHARE: f64 = 0.2;

/// A plan and what it comes to.
pub(super) struct Prepared<'a> {
    pub plan: &'a TrainingPlan,
    /// The recordings.
    pub dataset: Dataset,
    /// The labels: the dataset's, then those that are no events.
    pub labels: LabelSet,
    /// Recordings of each label that is no event, in the order of the labels.
    pub non_events: Vec<Vec<PathBuf>>,
    /// Recordings that hold none of the labels.
    pub background: Vec<PathBuf>,
    /// The label that those have, if any.
    pub background_label: Option<usize>,
    /// Room responses.
    pub responses: Vec<PathBuf>,
    /// Weights to begin with.
    pub start: Option<StartWeights>,
    /// What is learnt from beside the labels.
    pub teacher: Option<Bundle>,
    /// What frames are to be normalised by, where the weights to begin with, the teacher or the verifier say so.
    pub normaliser: Option<Normaliser>,
    /// What is fitted to and measured on: one bundle each.
    pub splits: Splits,
}

/// How many bundles are trained.
pub(super) enum Splits {
    /// One, on this split, made by this spec.
    One(Split, SplitSpec),
    /// One a fold.
    KFold(Vec<Split>),
}

/// A split to train on.
pub(super) struct SplitJob<'a> {
    /// What is fitted to and measured on.
    pub split: &'a Split,
    /// What the split was made by, if that is known.
    pub spec: Option<&'a SplitSpec>,
    /// Where the bundle goes.
    pub folder: &'a Path,
}

impl<'a> Prepared<'a> {
    /// Reads the dataset, decoding none of it, and splits it.
    ///
    /// # Errors
    /// [`FitError`] about the first part of the plan that cannot be carried out.
    pub fn new(plan: &'a TrainingPlan) -> Result<Self, FitError> {
        plan.training.check()?;
        plan.window.check()?;
        if plan.threads == 0 {
            return Err(FitError::NoThreads);
        }
        let dataset = Dataset::open(&plan.data, &plan.dataset)?;
        let background = recordings(&plan.background)?;
        let responses = recordings(&plan.responses)?;
        let mut labels: Vec<String> = dataset.labels.clone().into();
        let events = labels.len();
        let mut non_events: Vec<Vec<PathBuf>> = Vec::new();
        for NonEventSource { label, path } in &plan.non_events {
            let found = recordings(std::slice::from_ref(path))?;
            match labels.iter().position(|known| known == label) {
                Some(index) if index < events => {
                    let reason = "the dataset has a class of that name".to_owned();
                    return Err(FitError::NonEvent { label: label.clone(), reason });
                }
                Some(index) => non_events[index - events].extend(found),
                None => {
                    labels.push(label.clone());
                    non_events.push(found);
                }
            }
        }
        // where labels stand in for each other, what holds none of them needs one
        let mut background_label = None;
        if plan.training.loss == LossFunction::CrossEntropy && !background.is_empty() {
            let known = labels.iter().position(|label| label == OTHER);
            background_label = Some(known.unwrap_or(labels.len()));
            if known.is_none() {
                labels.push(OTHER.to_owned());
            }
        }
        let labels = LabelSet::new(&labels).map_err(|error| FitError::NonEvent {
            label: labels[events..].join(", "),
            reason: error.to_string(),
        })?;
        if labels.len() == 1 && background.is_empty() {
            let (data, label) = (plan.data.clone(), labels.label(0).to_string());
            return Err(FitError::OneClass { data, label });
        }
        let splits = splits(&plan.split, &dataset, plan.training.seed)?;
        let start = plan.start.as_deref().map(StartWeights::load).transpose()?;
        let mut normaliser = start.as_ref().and_then(|start| start.normaliser.clone());
        if let Some(normaliser) = &normaliser {
            normaliser.check(plan.front_end.mel_bands)?;
        }
        let mut teacher = None;
        if let Some(folder) = &plan.teacher {
            let bundle = Bundle::load(folder).map_err(FitError::Teacher)?;
            let what = difference(plan, &bundle, &labels, normaliser.as_ref());
            if let Some(what) = what {
                return Err(FitError::OtherTeacher { folder: folder.clone(), what });
            }
            normaliser = Some(bundle.manifest.normaliser.clone());
            teacher = Some(bundle);
        }
        if let Some(folder) = &plan.verifier {
            let bundle = Bundle::load(folder).map_err(FitError::Verifier)?;
            if let Some(what) = difference(plan, &bundle, &labels, normaliser.as_ref()) {
                let folder = folder.clone();
                return Err(FitError::Verifier(BundleError::Verifier { folder, what }));
            }
            normaliser = Some(bundle.manifest.normaliser);
        }
        Ok(Self {
            plan,
            dataset,
            labels,
            non_events,
            background,
            background_label,
            responses,
            start,
            teacher,
            normaliser,
            splits,
        })
    }

    /// The labels that are no events.
    pub fn non_event_labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().skip(self.dataset.labels.len()).map(|label| &**label)
    }

    /// All splits.
    pub fn all_splits(&self) -> &[Split] {
        match &self.splits {
            Splits::One(split, _) => std::slice::from_ref(split),
            Splits::KFold(splits) => splits,
        }
    }
}

/// In what a bundle is another than the plan's; its frames are normalised by `normaliser`, if that is given.
fn difference(
    plan: &TrainingPlan,
    bundle: &Bundle,
    labels: &LabelSet,
    normaliser: Option<&Normaliser>,
) -> Option<&'static str> {
    let manifest = &bundle.manifest;
    let differs = [
        ("labels", bundle.labels != *labels),
        ("front_end", manifest.front_end != plan.front_end),
        ("window.frames", manifest.window.frames != plan.window.frames),
        ("activation", manifest.activation != plan.training.loss.activation()),
        ("normaliser", normaliser.is_some_and(|it| *it != manifest.normaliser)),
    ];
    differs.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what)
}

/// Every recording that paths name.
fn recordings(paths: &[PathBuf]) -> Result<Vec<PathBuf>, FitError> {
    if let Some(absent) = paths.iter().find(|path| !path.exists()) {
        return Err(FitError::Absent { path: absent.clone() });
    }
    find_recordings(paths).map_err(FitError::Background)
}

fn splits(choice: &SplitChoice, dataset: &Dataset, seed: u64) -> Result<Splits, FitError> {
    let present: Vec<u32> = dataset.folds().into_iter().collect();
    let random = |validation_share: f64, leak| SplitSpec::Random {
        validation_share,
        test_share: 0.0,
        seed,
        leak,
    };
    let spec = match choice {
        SplitChoice::KFold { random_folds, leak } => {
            let spec = KFoldSpec { random_folds: *random_folds, seed, leak: *leak };
            return Ok(Splits::KFold(k_fold(dataset, &spec)?));
        }
        SplitChoice::Random { validation_share, leak } => random(*validation_share, *leak),
        SplitChoice::Folds { train, leak, .. } if present.is_empty() && train.is_empty() => {
            random(RANDOM_SHARE, *leak)
        }
        SplitChoice::Folds { leak: Leak::Allowed, .. } => return Err(FitError::LeakyFolds),
        SplitChoice::Folds { train, validation, .. } => {
            let is_esc50 = dataset.layout == Layout::Esc50;
            by_folds(train, validation, &present, is_esc50)
        }
    };
    Ok(Splits::One(spec.split(dataset)?, spec))
}

fn by_folds(fitted: &[u32], measured: &[u32], present: &[u32], is_esc50: bool) -> SplitSpec {
    let validation = match (measured, present) {
        (given @ [_, ..], _) => given.to_vec(),
        // the fifth is left for who wants to test
        ([], [1, 2, 3, 4, ..]) if is_esc50 && !fitted.contains(&4) => vec![4],
        ([], present) => {
            let free = present.iter().rev().find(|fold| !fitted.contains(fold));
            free.copied().into_iter().collect()
        }
    };
    let train = match fitted {
        [] if is_esc50 && measured.is_empty() && present.len() > 3 => vec![1, 2, 3],
        [] => present.iter().copied().filter(|fold| !validation.contains(fold)).collect(),
        given => given.to_vec(),
    };
    SplitSpec::Folds { train, validation, test: Vec::new() }
}
