//! A new configuration and model for a running daemon: read and checked on a thread of its own, then handed to the stages.
//! Owned by the supervisor, which gives it the time and its events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::Recipe;
use super::event::SupervisorEvent;
use super::pipeline::{ReloadEnds, cancellation, warm_up};
use super::pipeline_spec::{ActiveModel, PreparedModel, PreparedScorer};
use crate::domain::SampleRate;
use crate::features::Featuriser;
use crate::recognition::{BatchScorer, Scorer};

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

/// What a daemon may change while it runs.
pub struct Reloaded {
    /// Samples → records.
    pub recipe: Recipe,
    /// What scores.
    pub scorer: Box<dyn Scorer>,
    /// Keys that were changed too, and that only a restart brings into force.
    pub needs_restart: Vec<String>,
}

/// What has come of a reload.
pub(super) enum ReloadChange {
    Began,
    Failed(String),
    Done(Box<ActiveModel>),
}

enum ReloadStage {
    Idle,
    Reading { since: Instant },
    Swapping(Box<ActiveModel>),
}

/// The reloads of one daemon, one at a time.
pub(super) struct Reloading {
    reload: Reload,
    events: Sender<SupervisorEvent>,
    stage: ReloadStage,
    /// Of the reload that began last.
    number: u64,
    /// Whether it has been logged that another one waits for the one under way.
    is_next_logged: bool,
}

impl Reloading {
    pub(super) fn new(reload: Reload, events: Sender<SupervisorEvent>) -> Self {
        Self { reload, events, stage: ReloadStage::Idle, number: 0, is_next_logged: false }
    }

    /// Begins a reload that was asked for, for inputs of these rates; gives up one that takes too long.
    pub(super) fn poll(&mut self, rates: &[SampleRate], now: Instant) -> Option<ReloadChange> {
        match &self.stage {
            // Relaxed: the flag guards no other memory.
            ReloadStage::Idle if self.reload.requested.swap(false, Ordering::Relaxed) => {
                return Some(self.begin(rates, now));
            }
            ReloadStage::Idle => return None,
            ReloadStage::Reading { since } if now.saturating_duration_since(*since) >= PATIENCE => {
                let seconds = PATIENCE.as_secs();
                let why = format!("reading it has taken more than {seconds} s, and is given up");
                return Some(self.fail(why));
            }
            ReloadStage::Reading { .. } | ReloadStage::Swapping(_) => {}
        }
        // Relaxed: as above
        if !self.is_next_logged && self.reload.requested.load(Ordering::Relaxed) {
            self.is_next_logged = true;
            log::info!("a reload is still under way; another one follows it");
        }
        None
    }

    /// The reload of this `number` has read everything; if it is not one that was given up, its model goes to the stages.
    pub(super) fn read(
        &mut self,
        number: u64,
        result: Result<Box<(PreparedModel, ActiveModel)>, String>,
        stages: &ReloadEnds,
    ) -> Option<ReloadChange> {
        if number != self.number || !matches!(self.stage, ReloadStage::Reading { .. }) {
            return None;
        }
        match result {
            Ok(read) => {
                let (model, active) = *read;
                stages.swap_model(model);
                self.stage = ReloadStage::Swapping(Box::new(active));
                None
            }
            Err(why) => Some(self.fail(why)),
        }
    }

    /// The model is in use.
    pub(super) fn swapped(&mut self) -> Option<ReloadChange> {
        match std::mem::replace(&mut self.stage, ReloadStage::Idle) {
            ReloadStage::Swapping(active) => Some(ReloadChange::Done(active)),
            other => {
                self.stage = other;
                None
            }
        }
    }

    fn begin(&mut self, rates: &[SampleRate], now: Instant) -> ReloadChange {
        self.is_next_logged = false;
        self.number += 1;
        let (reload, events, number) = (self.reload.clone(), self.events.clone(), self.number);
        let rates = rates.to_vec();
        let read = move || (reload.read)().and_then(|reloaded| prepare(reloaded, &rates));
        let thread = std::thread::Builder::new().name("tympan-reload".to_owned());
        let reading = thread.spawn(move || {
            // nothing of the reload is used after its panic
            let result = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
                Err("reading it panicked, which is a bug of tympan".to_owned())
            });
            // the supervisor may have ended
            let _ = events.send(SupervisorEvent::ReloadRead { number, result });
        });
        match reading {
            Ok(_) => {
                self.stage = ReloadStage::Reading { since: now };
                ReloadChange::Began
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn fail(&mut self, why: String) -> ReloadChange {
        self.stage = ReloadStage::Idle;
        ReloadChange::Failed(why)
    }
}

/// Tries all that could fail later, and warms the scorer up.
fn prepare(
    reloaded: Reloaded,
    rates: &[SampleRate],
) -> Result<Box<(PreparedModel, ActiveModel)>, String> {
    let Reloaded { recipe, mut scorer, needs_restart } = reloaded;
    let featuriser = recipe.featuriser.clone();
    let (_guard, never_cancelled) = cancellation();
    for (index, rate) in rates.iter().enumerate() {
        let planned = Featuriser::new(&featuriser, *rate).map_err(|error| error.to_string())?;
        if index == 0 {
            let hop_frames = featuriser.window.hop_frames as u64;
            warm_up(&mut *scorer, planned.empty_window(), hop_frames, &never_cancelled)
                .map_err(|error| error.to_string())?;
        }
    }
    let rules = recipe.rules.clone();
    let scorer = BatchScorer::new(scorer, &rules.detector).map_err(|error| error.to_string())?;
    let scorer = PreparedScorer { scorer, rules, featuriser: featuriser.clone() };
    let model = PreparedModel { featuriser, scorer };
    Ok(Box::new((model, ActiveModel { recipe, needs_restart })))
}
