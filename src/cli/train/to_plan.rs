//! From the options of `tympan train` to the plan that is carried out: of a run that begins, or of one that goes on.

use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use serde_json::{Map, Value};

use super::options::{DatasetArguments, SplitArguments, TrainArguments, plain};
use crate::cli::Failure;
use crate::dsp::EnvelopeSpec;
use crate::offline::{CleaningSpec, Leak};
use crate::training::{SplitChoice, TrainingPlan, unfinished};

/// The plan that options make.
///
/// # Errors
/// [`Failure`] in words about the first option that cannot be used.
pub fn plan(arguments: &TrainArguments) -> Result<TrainingPlan, Failure> {
    let mut arguments = arguments.clone();
    let (Some(data), Some(out)) = (arguments.data.clone(), arguments.out.clone()) else {
        return Err(Failure::usage(anyhow!("--data and --out are needed")));
    };
    let mut plan = TrainingPlan::new(data, out).map_err(Failure::failed)?;
    plan.threads = *arguments.threads.get_or_insert(plan.threads);
    plan.training = arguments.training.spec(&arguments.augment);
    plan.training.check().map_err(Failure::usage)?;
    plan.front_end = arguments.network.front_end()?;
    plan.network = arguments.network.spec()?;
    plan.window = arguments.network.window(&plan.network, &plan.front_end)?;
    if let Some(seconds) = arguments.checkpoint_every {
        plan.checkpoint_every = Duration::try_from_secs_f64(seconds).map_err(|_| {
            Failure::usage(anyhow!("--checkpoint-every is {seconds}; no such time"))
        })?;
    }
    let dataset = &arguments.dataset;
    plan.dataset = dataset.selection.options();
    plan.on_fault = dataset.selection.on_fault();
    plan.cleaning = cleaning(dataset)?;
    plan.background.clone_from(&dataset.background);
    plan.negatives.clone_from(&dataset.negatives);
    plan.features.clone_from(&dataset.features);
    plan.split = split(&arguments.split)?;
    if let Some(licence) = &arguments.licence {
        plan.licence.clone_from(licence);
    }
    let here = std::env::current_dir()?;
    let out = plan.out.strip_prefix(here).unwrap_or(&plan.out).display().to_string();
    plan.command = arguments.command(&out);
    plan.options = arguments.given();
    Ok(plan)
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

fn split(options: &SplitArguments) -> Result<SplitChoice, Failure> {
    let leak = if options.allow_leaky_split { Leak::Allowed } else { Leak::Forbidden };
    if let Some(random_folds) = options.k_fold {
        return Ok(SplitChoice::KFold { random_folds, leak });
    }
    match &options.split {
        Some(text) => Ok(SplitChoice::Random { validation_share: share(text)?, leak }),
        None => Ok(SplitChoice::Folds {
            train: options.folds.clone(),
            validation: options.validation_folds.clone(),
            leak,
        }),
    }
}

fn share(text: &str) -> Result<f64, Failure> {
    let share = text.strip_prefix("random:").and_then(|share| share.parse().ok());
    share.ok_or_else(|| {
        Failure::usage(anyhow!(
            "--split is {text:?}; it is written random:SHARE, such as random:0.2"
        ))
    })
}

/// The plan of the unfinished run in `folder`.
///
/// # Errors
/// [`Failure`] when there is none, or when options that are given now contradict those it was begun with.
pub fn unfinished_plan(folder: &Path, given: &TrainArguments) -> Result<TrainingPlan, Failure> {
    let plan = unfinished(folder).map_err(Failure::usage)?;
    let differences = contradictions(&given.given(), &plan.options);
    if differences.is_empty() {
        return Ok(plan);
    }
    Err(Failure::usage(anyhow!(
        "a run goes on with the options it was begun with; leave out {}",
        differences.join(", ")
    )))
}

fn contradictions(given: &Map<String, Value>, begun: &Map<String, Value>) -> Vec<String> {
    let differing = given.iter().filter(|(option, value)| begun.get(*option) != Some(value));
    differing
        .map(|(option, value)| {
            let then = match begun.get(option) {
                Some(then @ (Value::Array(_) | Value::Number(_) | Value::String(_))) => {
                    format!("it was begun with {}", plain(then))
                }
                _ => "it was begun without".to_owned(),
            };
            match value {
                Value::Bool(_) => format!("--{option} ({then})"),
                value => format!("--{option} {} ({then})", plain(value)),
            }
        })
        .collect()
}
