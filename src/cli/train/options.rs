//! The options of `tympan train`, as given: what is not given keeps its default. They can be kept in a file, compared, and
//! repeated as a command; and they become the plan of a run that begins, or of one that goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::network_options::NetworkOptions;
use super::training_options::{AugmentOptions, TrainingOptions, by_name};
use crate::cli::Failure;
use crate::cli::dataset_selection::DatasetSelection;
use crate::dsp::EnvelopeSpec;
use crate::offline::{CleaningSpec, ClipNormalisation, Leak};
use crate::training::{ExistingBundle, NonEventSource, SplitChoice, TrainingPlan, unfinished};

/// Arguments of `tympan train`.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrainArguments {
    /// Folder of a dataset, or a CSV with the columns path and label
    #[arg(long, value_name = "PATH", required_unless_present = "resume")]
    pub data: Option<PathBuf>,
    /// Folder of the bundle to write
    #[arg(long, value_name = "FOLDER", required_unless_present = "resume")]
    pub out: Option<PathBuf>,
    /// Let the new bundle take the place of a finished one that is there already
    #[arg(long, conflicts_with = "resume")]
    #[serde(skip)]
    pub overwrite: bool,
    /// Go on with the run that was interrupted in this folder, as it was begun
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    #[serde(skip)]
    pub resume: Option<PathBuf>,
    /// What the recordings are
    #[command(flatten)]
    #[serde(flatten)]
    pub dataset: DatasetArguments,
    /// Which recordings are measured on
    #[command(flatten)]
    #[serde(flatten)]
    pub split: SplitArguments,
    /// What is fitted
    #[command(flatten)]
    #[serde(flatten)]
    pub network: NetworkOptions,
    /// How it is fitted
    #[command(flatten)]
    #[serde(flatten)]
    pub training: TrainingOptions,
    /// How windows are changed
    #[command(flatten)]
    #[serde(flatten)]
    pub augment: AugmentOptions,
    /// Terms of the weights, for the manifest and the card
    #[arg(long, value_name = "TERMS")]
    pub licence: Option<String>,
    /// Threads of libtorch; by default one for conv1d and lstm, and one a core for others. Give 1 where other programs
    /// compute as well. The same number gives the same weights again
    #[arg(long)]
    pub threads: Option<usize>,
    /// Least seconds between two checkpoints, which are made at the ends of epochs
    #[arg(long, value_name = "SECONDS", hide_short_help = true)]
    pub checkpoint_every: Option<f64>,
}

/// What the recordings are, and how they are read.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DatasetArguments {
    /// What of the dataset is used
    #[command(flatten)]
    #[serde(flatten)]
    pub selection: DatasetSelection,
    /// Bring every recording to one level first: none, peak or loudness
    #[arg(long, value_name = "HOW", value_parser = by_name::<ClipNormalisation>)]
    pub normalise: Option<ClipNormalisation>,
    /// Take silence out of every recording: what an envelope of 100 ms has below this level, such as -50
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true)]
    pub trim: Option<f64>,
    /// Recording, or folder of recordings, that holds none of the labels: noise, silence. May be given again
    #[arg(long, value_name = "PATH")]
    pub background: Vec<PathBuf>,
    /// Sound that holds none of the labels, such as speech, and is not trained on: thresholds are chosen so that the
    /// model keeps quiet in it and in the background. May be given again
    #[arg(long, value_name = "PATH", requires = "background", num_args = 1..)]
    pub negatives: Vec<PathBuf>,
    /// Hours of background and negatives, mixed anew, that thresholds are chosen by [default: 12]
    #[arg(long, value_name = "HOURS", requires = "background", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub quiet_hours: Option<u32>,
    /// Sound of a label that is no event by default, such as speech=FOLDER: an output of its own that holds the others back.
    /// May be given again
    #[arg(long, value_name = "LABEL=PATH", value_parser = non_event)]
    pub non_event: Vec<NonEventSource>,
    /// Room response, or folder of them: clips are trained on as they are and as these rooms sound them. May be given again
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub responses: Vec<PathBuf>,
    /// Weights to begin with, where names and shapes are the network's: a bundle, of whatever labels, or a safetensors file
    #[arg(long, value_name = "PATH")]
    pub start: Option<PathBuf>,
    /// Bundle whose answers to the windows that are trained on are learnt beside the labels; of the same labels, front end and
    /// window
    #[arg(long, value_name = "BUNDLE")]
    pub teacher: Option<PathBuf>,
    /// Bundle that looks again at what the network hears, trained with the same labels, front end and window: it becomes part
    /// of the bundle, and thresholds are chosen with it
    #[arg(long, value_name = "BUNDLE", conflicts_with = "k_fold")]
    pub verifier: Option<PathBuf>,
    /// Keep features in this folder, and take from it what was kept before
    #[arg(long, value_name = "FOLDER")]
    pub features: Option<PathBuf>,
}

/// Which recordings are fitted to and which are measured on.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SplitArguments {
    /// Folds to fit; by default 1,2,3 of ESC-50, and of other sets all but those measured on
    #[arg(long, value_delimiter = ',')]
    pub folds: Vec<u32>,
    /// Folds to measure on and to choose thresholds by; by default 4 of ESC-50, and the last of other sets
    #[arg(long, value_delimiter = ',', value_name = "FOLDS")]
    pub validation_folds: Vec<u32>,
    /// Split at random instead, by the share to measure on, such as random:0.2; the default, with 0.2, of sets without
    /// folds. Clips of one source stay together
    #[arg(long, value_name = "random:SHARE", conflicts_with_all = ["folds", "validation_folds", "k_fold"])]
    pub split: Option<String>,
    /// Let a random split part clips of one source, as many notebooks do; whatever is made from it says LEAKY
    #[arg(long)]
    pub allow_leaky_split: bool,
    /// Train once for each fold, measured on that fold, and report mean and deviation; FOLDS random ones (5) of a set that
    /// has none
    #[arg(long, value_name = "FOLDS", num_args = 0..=1, default_missing_value = "5",
          conflicts_with_all = ["folds", "validation_folds"])]
    pub k_fold: Option<usize>,
}

impl TrainArguments {
    /// With paths that hold from any folder.
    ///
    /// # Errors
    /// When the system does not give the current folder.
    pub fn with_absolute_paths(mut self) -> std::io::Result<Self> {
        let dataset = &mut self.dataset;
        let named = [
            &mut self.data,
            &mut self.out,
            &mut self.resume,
            &mut dataset.features,
            &mut dataset.start,
            &mut dataset.teacher,
            &mut dataset.verifier,
        ];
        for path in named
            .into_iter()
            .flatten()
            .chain(&mut dataset.background)
            .chain(&mut dataset.negatives)
            .chain(&mut dataset.responses)
            .chain(dataset.non_event.iter_mut().map(|it| &mut it.path))
        {
            *path = std::path::absolute(&*path)?;
        }
        Ok(self)
    }

    /// The options that were given, by name; but for `--resume`.
    pub fn given(&self) -> Map<String, Value> {
        let is_given = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        match serde_json::to_value(self) {
            Ok(Value::Object(options)) => {
                options.into_iter().filter(|(_, value)| is_given(value)).collect()
            }
            _ => Map::new(),
        }
    }

    /// The command that makes the bundle again; DATA, BACKGROUND and NEGATIVES stand for paths of whoever types it.
    pub fn command(&self, out: &str) -> String {
        let mut command = "tympan train --data DATA".to_owned();
        for (option, value) in self.given() {
            let value = match (option.as_str(), &value) {
                ("data" | "out" | "features" | "checkpoint-every", _) => continue,
                ("background", Value::Array(items)) => {
                    command += &" --background BACKGROUND".repeat(items.len());
                    continue;
                }
                ("negatives", _) => {
                    command += " --negatives NEGATIVES";
                    continue;
                }
                ("responses", _) => {
                    command += " --responses RESPONSES";
                    continue;
                }
                ("start" | "teacher" | "verifier", _) => {
                    command += &format!(" --{option} {}", option.to_uppercase());
                    continue;
                }
                ("non-event", _) => {
                    for NonEventSource { label, .. } in &self.dataset.non_event {
                        command += &format!(" --non-event {}", quoted(&format!("{label}=FOLDER")));
                    }
                    continue;
                }
                (_, Value::Bool(_)) => String::new(),
                (_, Value::Array(items)) => items.iter().map(plain).collect::<Vec<_>>().join(","),
                (_, value) => plain(value),
            };
            command += &format!(" --{option}");
            if !value.is_empty() {
                command += &format!(" {}", quoted(&value));
            }
        }
        command + &format!(" --out {}", quoted(out))
    }
}

/// A label that is no event and where its sound is.
fn non_event(text: &str) -> Result<NonEventSource, String> {
    match text.split_once('=') {
        Some((label, path)) if !label.is_empty() && !path.is_empty() => {
            Ok(NonEventSource { label: label.to_owned(), path: path.into() })
        }
        _ => Err("must be a label and a path, such as speech=recordings/speech".to_owned()),
    }
}

/// A value as it is typed.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// In quotes where a shell would take it apart.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/+=@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

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
    if arguments.overwrite {
        plan.existing = ExistingBundle::Replace;
    }
    let threads = if arguments.network.has_short_steps() { 1 } else { plan.threads };
    plan.threads = *arguments.threads.get_or_insert(threads);
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
    if let Some(hours) = dataset.quiet_hours {
        plan.quiet_minutes = 60 * hours;
    }
    plan.non_events.clone_from(&dataset.non_event);
    plan.responses.clone_from(&dataset.responses);
    plan.start.clone_from(&dataset.start);
    plan.teacher.clone_from(&dataset.teacher);
    plan.verifier.clone_from(&dataset.verifier);
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
