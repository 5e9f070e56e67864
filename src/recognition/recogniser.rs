//! Windows of one input in, records out: a scorer and a tracker. Fed windows by the scan of a recording; runs wherever that
//! does. The daemon, whose inputs share a scorer, uses the two apart.

use std::sync::Arc;

use super::{
    BatchScorer, EventIds, Gap, RecognitionError, RecognitionRules, Scorer, ScorerError, Tracker,
};
use crate::domain::{MelWindow, Published, SampleRate};

/// Scores the windows of one input, and makes records of them as its [`Tracker`] does.
pub struct Recogniser {
    scorer: BatchScorer,
    tracker: Tracker,
}

impl Recogniser {
    /// Joins a scorer and the rules for its scores. `source` is named in every record; every sample index counts at
    /// `sample_rate`.
    ///
    /// # Panics
    /// At the first window, when there is no such denied label.
    ///
    /// # Errors
    /// [`RecognitionError::LabelsDiffer`] when the detector was made for another model's labels.
    pub fn new(
        scorer: Box<dyn Scorer>,
        rules: RecognitionRules,
        source: impl Into<Arc<str>>,
        sample_rate: SampleRate,
    ) -> Result<Self, RecognitionError> {
        let scorer = BatchScorer::new(scorer, &rules.detector)?;
        let tracker = Tracker::new(rules, source, sample_rate, EventIds::default());
        Ok(Self { scorer, tracker })
    }

    /// Takes one window; see [`push_batch`](Self::push_batch).
    ///
    /// # Errors
    /// As [`push_batch`](Self::push_batch).
    pub fn push(
        &mut self,
        window: &MelWindow,
        emit: &mut dyn FnMut(Published),
    ) -> Result<(), ScorerError> {
        self.push_batch(std::slice::from_ref(window), emit)
    }

    /// Takes `windows`, oldest first, scored in one call; gives the same records as one after the other.
    ///
    /// # Real time
    /// Allocates nothing once a batch of this length has been seen, as long as records list no more than 5 labels.
    ///
    /// # Errors
    /// [`ScorerError`] when the scorer fails, or as [`Tracker::push`]. The windows before the bad one have had their records
    /// by then, and [`finish`](Self::finish) still ends what is open.
    pub fn push_batch(
        &mut self,
        windows: &[MelWindow],
        emit: &mut dyn FnMut(Published),
    ) -> Result<(), ScorerError> {
        let Self { scorer, tracker } = self;
        scorer.score(windows, &mut |window, scores| tracker.push(window, scores, emit))
    }

    /// See [`Tracker::gap`].
    pub fn gap(&mut self, gap: Gap, emit: &mut dyn FnMut(Published)) {
        self.tracker.gap(gap, emit);
    }

    /// See [`Tracker::finish`].
    pub fn finish(&mut self, emit: &mut dyn FnMut(Published)) {
        self.tracker.finish(emit);
    }

    /// See [`Tracker::set_sample_rate`].
    pub fn set_sample_rate(&mut self, sample_rate: SampleRate, emit: &mut dyn FnMut(Published)) {
        self.tracker.set_sample_rate(sample_rate, emit);
    }

    /// See [`Tracker::set_source`].
    pub fn set_source(
        &mut self,
        source: Arc<str>,
        sample_rate: SampleRate,
        emit: &mut dyn FnMut(Published),
    ) {
        self.tracker.set_source(source, sample_rate, emit);
    }
}
