//! The shipped model, slowed down at will.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tympan::domain::{LabelSet, MelWindow, Scores};
use tympan::model::{Bundle, Model, NetworkScorer};
use tympan::recognition::{Scorer, ScorerError};

/// How much longer than usual a call takes.
#[derive(Clone, Default)]
pub struct ScorerLoad(Arc<AtomicU64>);

impl ScorerLoad {
    pub fn set(&self, pause: Duration) {
        // SeqCst: a test wants no subtlety
        self.0.store(pause.as_millis() as u64, Ordering::SeqCst);
    }
}

pub struct LoadedScorer {
    scorer: NetworkScorer,
    load: ScorerLoad,
}

impl LoadedScorer {
    pub fn new(bundle: &Bundle, load: &ScorerLoad) -> Self {
        Self { scorer: NetworkScorer::new(&Arc::new(Model::new(bundle))), load: load.clone() }
    }
}

impl Scorer for LoadedScorer {
    fn labels(&self) -> &LabelSet {
        self.scorer.labels()
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        // SeqCst: as above
        std::thread::sleep(Duration::from_millis(self.load.0.load(Ordering::SeqCst)));
        self.scorer.score_into(windows, scores)
    }
}
