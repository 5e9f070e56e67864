//! What a run of `tympan train` does, decided before anything is computed: dataset, splits, network, numbers. Made of
//! the options, read by everything after.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;

use super::options::{DatasetArguments, SplitArguments, TrainArguments};
use crate::cli::Failure;
use crate::dsp::EnvelopeSpec;
use crate::features::{FrontEndSpec, WindowSpec};
use crate::model::NetworkSpec;
use crate::offline::{
    CleaningSpec, Dataset, KFoldSpec, Layout, Leak, OnFault, Split, SplitSpec, k_fold, worker_count,
};
use crate::sources::find_recordings;
use crate::training::TrainingSpec;

/// Share that is measured on where nothing else is said and the dataset has no folds.
const RANDOM_SHARE: f64 = 0.2;

/// Least time between two checkpoints: what a crash may cost, against some ten milliseconds each.
const CHECKPOINT_EVERY: f64 = 30.0;

/// What a run does.
pub struct Plan {
    /// The options it was made of, with paths that hold anywhere and the threads it takes.
    pub arguments: TrainArguments,
    /// Where the bundle goes.
    pub out: PathBuf,
    /// The recordings.
    pub dataset: Dataset,
    /// What is done to recordings first.
    pub cleaning: CleaningSpec,
    /// What is done about recordings that cannot be used.
    pub on_fault: OnFault,
    /// Recordings that hold none of the labels.
    pub background: Vec<PathBuf>,
    /// What is fitted to and measured on: one bundle each.
    pub splits: Splits,
    /// Samples → frames.
    pub front_end: FrontEndSpec,
    /// Frames → windows.
    pub window: WindowSpec,
    /// The network.
    pub network: NetworkSpec,
    /// How it is fitted.
    pub spec: TrainingSpec,
    /// Least time between two checkpoints.
    pub checkpoint_every: Duration,
}

/// How many bundles are trained.
pub enum Splits {
    /// One, on this split, made by this spec.
    One(Split, SplitSpec),
    /// One a fold.
    KFold(Vec<Split>),
}

/// A split to train on.
pub struct SplitJob<'a> {
    /// What is fitted to and measured on.
    pub split: &'a Split,
    /// What the split was made by, if that can be told.
    pub spec: Option<&'a SplitSpec>,
    /// Where the bundle goes.
    pub folder: &'a Path,
}

impl Plan {
    /// Decides everything.
    ///
    /// # Errors
    /// [`Failure`] in words about the first option or part of the dataset that cannot be used.
    pub fn new(mut arguments: TrainArguments) -> Result<Self, Failure> {
        let (Some(data), Some(out)) = (arguments.data.clone(), arguments.out.clone()) else {
            return Err(Failure::usage(anyhow!("--data and --out are needed")));
        };
        let threads = *arguments.threads.get_or_insert(worker_count());
        if threads == 0 {
            return Err(Failure::usage(anyhow!("--threads is 0; at least one is needed")));
        }
        let spec = arguments.training.spec(&arguments.augment);
        spec.check().map_err(Failure::usage)?;
        let front_end = arguments.network.front_end()?;
        let network = arguments.network.spec()?;
        let window = arguments.network.window(&network, &front_end)?;
        let seconds = arguments.checkpoint_every.unwrap_or(CHECKPOINT_EVERY);
        let checkpoint_every = Duration::try_from_secs_f64(seconds).map_err(|_| {
            Failure::usage(anyhow!("--checkpoint-every is {seconds}; no such time"))
        })?;
        let dataset = arguments.dataset.selection.open(&data)?;
        Ok(Self {
            cleaning: cleaning(&arguments.dataset)?,
            on_fault: arguments.dataset.selection.on_fault(),
            background: background(&arguments.dataset.background)?,
            splits: splits(&arguments.split, &dataset, spec.seed)?,
            out,
            dataset,
            front_end,
            window,
            network,
            spec,
            checkpoint_every,
            arguments,
        })
    }

    /// All splits.
    pub fn all_splits(&self) -> &[Split] {
        match &self.splits {
            Splits::One(split, _) => std::slice::from_ref(split),
            Splits::KFold(splits) => splits,
        }
    }
}

fn cleaning(options: &DatasetArguments) -> Result<CleaningSpec, Failure> {
    let trim = options
        .trim
        .map(|level| EnvelopeSpec { threshold_dbfs: level as f32, ..EnvelopeSpec::default() });
    if let Some(spec) = &trim {
        spec.check().map_err(Failure::usage)?;
    }
    Ok(CleaningSpec { normalise: options.normalise.unwrap_or_default(), trim })
}

fn splits(options: &SplitArguments, dataset: &Dataset, seed: u64) -> Result<Splits, Failure> {
    let leak = if options.allow_leaky_split { Leak::Allowed } else { Leak::Forbidden };
    if let Some(random_folds) = options.k_fold {
        let spec = KFoldSpec { random_folds, seed, leak };
        return k_fold(dataset, &spec).map(Splits::KFold).map_err(Failure::usage);
    }
    let present: Vec<u32> = dataset.folds().into_iter().collect();
    let random =
        |validation_share: f64| SplitSpec::Random { validation_share, test_share: 0.0, seed, leak };
    let spec = match &options.split {
        Some(text) => random(share(text)?),
        None if present.is_empty() && options.folds.is_empty() => random(RANDOM_SHARE),
        None => {
            if options.allow_leaky_split {
                let what = "--allow-leaky-split is for random splits; add --split random:0.2";
                return Err(Failure::usage(anyhow!(what)));
            }
            by_folds(options, dataset, &present)
        }
    };
    let split = spec.split(dataset).map_err(Failure::usage)?;
    Ok(Splits::One(split, spec))
}

fn by_folds(options: &SplitArguments, dataset: &Dataset, present: &[u32]) -> SplitSpec {
    let is_esc50 = dataset.layout == Layout::Esc50;
    let validation = match (&options.validation_folds[..], present) {
        (given @ [_, ..], _) => given.to_vec(),
        // the fifth is left for who wants to test
        ([], [1, 2, 3, 4, ..]) if is_esc50 && !options.folds.contains(&4) => vec![4],
        ([], present) => {
            let free = present.iter().rev().find(|fold| !options.folds.contains(fold));
            free.copied().into_iter().collect()
        }
    };
    let train = match &options.folds[..] {
        [] if is_esc50 && options.validation_folds.is_empty() && present.len() > 3 => vec![1, 2, 3],
        [] => present.iter().copied().filter(|fold| !validation.contains(fold)).collect(),
        given => given.to_vec(),
    };
    SplitSpec::Folds { train, validation, test: Vec::new() }
}

fn share(text: &str) -> Result<f64, Failure> {
    let share = text.strip_prefix("random:").and_then(|share| share.parse().ok());
    share.ok_or_else(|| {
        Failure::usage(anyhow!(
            "--split is {text:?}; it is written random:SHARE, such as random:0.2"
        ))
    })
}

/// The recordings that are named, and those below the folders that are: as every command takes them.
fn background(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if let Some(absent) = named.iter().find(|path| !path.exists()) {
        return Err(Failure::usage(anyhow!(
            "{}: there is no such file or folder",
            absent.display()
        )));
    }
    find_recordings(named).map_err(Failure::usage)
}
