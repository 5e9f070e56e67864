//! A new configuration and model for a daemon that goes on listening: read and checked on a thread of its own, then handed
//! to the feature stage, which passes it on in its place between the windows. Owned and asked by the supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::Recipe;
use super::classify_stage::warm_up;
use super::hurry::hurry;
use crate::domain::SampleRate;
use crate::features::{Featuriser, FeaturiserSpec};
use crate::recognition::{Recogniser, Scorer};

/// Reading and warming up take a second or two; what takes longer than this hangs in a file system that does not answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a running daemon gets another configuration and model.
#[derive(Clone)]
pub struct Reload {
    /// Set it to ask for a reload; it is taken back when the reload begins.
    pub requested: Arc<AtomicBool>,
    /// Reads and checks everything anew; the words of its error are for people.
    pub read: Arc<dyn Fn() -> Result<Reloaded, String> + Send + Sync>,
}

/// What a daemon may change while it listens.
pub struct Reloaded {
    /// Samples → records.
    pub recipe: Recipe,
    /// What scores.
    pub scorer: Box<dyn Scorer>,
    /// Keys that were changed too, and that only a restart brings into force.
    pub needs_restart: Vec<String>,
}

/// Whether a successor has taken over, or why it cannot.
pub(super) type Taken = Result<(), String>;

/// What takes the place of featuriser and recogniser.
pub(super) struct Successor {
    pub(super) featuriser: FeaturiserSpec,
    /// Warm; of the present source, whose rate may be another one by the time it takes over.
    pub(super) recogniser: Box<Recogniser>,
    /// Told by the classify stage once it has taken over, or by the feature stage why it cannot.
    pub(super) done: Sender<Taken>,
}

/// What is in force after a reload.
#[derive(Clone)]
pub(super) struct InForce {
    pub(super) recipe: Recipe,
    pub(super) needs_restart: Vec<String>,
}

/// What has come of a reload.
pub(super) enum ReloadChange {
    Began,
    Failed(String),
    Done(Box<InForce>),
}

enum Stage {
    Idle,
    Reading { result: Receiver<Result<(Successor, Box<InForce>), String>>, since: Instant },
    TakingOver(Box<InForce>),
}

/// The reloads of one daemon, one at a time.
pub(super) struct Reloading {
    reload: Reload,
    source: Arc<str>,
    successors: Sender<Successor>,
    done: (Sender<Taken>, Receiver<Taken>),
    stage: Stage,
    /// Whether it has been told that another one waits for the one under way.
    is_next_told: bool,
}

impl Reloading {
    pub(super) fn new(reload: Reload, source: Arc<str>, successors: Sender<Successor>) -> Self {
        Self {
            reload,
            source,
            successors,
            done: bounded(1),
            stage: Stage::Idle,
            is_next_told: false,
        }
    }

    /// One look: begins a reload that was asked for, passes on what has been read, says how it went.
    pub(super) fn turn(&mut self, sample_rate: SampleRate, now: Instant) -> Option<ReloadChange> {
        // Relaxed: the flag guards no other memory.
        let is_next_asked = self.reload.requested.load(Ordering::Relaxed);
        if is_next_asked && !matches!(self.stage, Stage::Idle) && !self.is_next_told {
            self.is_next_told = true;
            log::info!("a reload is still under way; another one follows it");
        }
        match &self.stage {
            // Relaxed: the flag guards no other memory.
            Stage::Idle if self.reload.requested.swap(false, Ordering::Relaxed) => {
                self.begin(sample_rate, now)
            }
            Stage::Idle => None,
            Stage::Reading { result, since } => match result.try_recv() {
                Err(TryRecvError::Empty) if now.saturating_duration_since(*since) >= PATIENCE => {
                    let seconds = PATIENCE.as_secs();
                    self.fail(format!(
                        "reading it has taken more than {seconds} s, and is given up"
                    ))
                }
                Err(TryRecvError::Empty) => None,
                Ok(Ok((successor, in_force))) => {
                    self.stage = Stage::TakingOver(in_force);
                    // room for the only one there is; a feature stage that has ended ends the daemon
                    let _ = self.successors.try_send(successor);
                    None
                }
                Ok(Err(why)) => self.fail(why),
                Err(TryRecvError::Disconnected) => {
                    self.fail("reading it panicked, which is a bug of tympan".to_owned())
                }
            },
            Stage::TakingOver(in_force) => match self.done.1.try_recv() {
                Err(_) => None,
                Ok(Ok(())) => {
                    let in_force = in_force.clone();
                    self.stage = Stage::Idle;
                    Some(ReloadChange::Done(in_force))
                }
                Ok(Err(why)) => self.fail(why),
            },
        }
    }

    fn begin(&mut self, sample_rate: SampleRate, now: Instant) -> Option<ReloadChange> {
        self.is_next_told = false;
        let (told, result) = bounded(1);
        let (reload, source, done) =
            (self.reload.clone(), Arc::clone(&self.source), self.done.0.clone());
        let reading =
            std::thread::Builder::new().name("tympan-reload".to_owned()).spawn(move || {
                let prepared = (reload.read)()
                    .and_then(|reloaded| prepare(reloaded, source, sample_rate, done));
                // nobody waits any more when the daemon has ended meanwhile
                let _ = told.send(prepared);
            });
        match reading {
            Ok(_) => {
                self.stage = Stage::Reading { result, since: now };
                Some(ReloadChange::Began)
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn fail(&mut self, why: String) -> Option<ReloadChange> {
        self.stage = Stage::Idle;
        Some(ReloadChange::Failed(why))
    }
}

/// Tries all that could fail later, and warms the scorer up.
fn prepare(
    reloaded: Reloaded,
    source: Arc<str>,
    sample_rate: SampleRate,
    done: Sender<Taken>,
) -> Result<(Successor, Box<InForce>), String> {
    let Reloaded { recipe, mut scorer, needs_restart } = reloaded;
    let featuriser = recipe.featuriser.clone();
    let planned = Featuriser::new(&featuriser, sample_rate).map_err(|error| error.to_string())?;
    let (_no_end_in_sight, unhurried) = hurry();
    let hop_frames = featuriser.window.hop_frames as u64;
    warm_up(&mut *scorer, planned.empty_window(), hop_frames, &unhurried)
        .map_err(|error| error.to_string())?;
    let recogniser = Recogniser::new(scorer, recipe.rules.clone(), source, sample_rate)
        .map_err(|error| error.to_string())?;
    let in_force = Box::new(InForce { recipe, needs_restart });
    Ok((Successor { featuriser, recogniser: Box::new(recogniser), done }, in_force))
}

impl std::fmt::Display for InForce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "reloaded, model {}", self.recipe.model)?;
        if !self.needs_restart.is_empty() {
            write!(f, "; still to come with a restart: {}", self.needs_restart.join(", "))?;
        }
        Ok(())
    }
}
