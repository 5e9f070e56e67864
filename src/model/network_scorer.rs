//! The scorer behind `run`, `classify` and `eval`: windows in, scores out, convolving each frame once. Runs on the classify
//! thread.

use std::sync::Arc;

use super::stream::Stream;
use super::{Model, NetworkError};
use crate::domain::{LabelSet, MelWindow, Scores, StreamId};
use crate::recognition::{Scorer, ScorerError};

/// Inputs whose frames are kept at a time. A further one takes the place of the one that was scored longest ago, which costs
/// time and changes no score.
const MAX_STREAMS: usize = 32;

/// Scores windows of any number of inputs with one shared model.
pub struct NetworkScorer {
    model: Arc<Model>,
    /// The input that was scored last stands last.
    streams: Vec<(StreamId, Stream)>,
}

impl NetworkScorer {
    /// A scorer that has seen no window.
    pub fn new(model: &Arc<Model>) -> Self {
        Self { model: Arc::clone(model), streams: Vec::new() }
    }

    fn score(&mut self, windows: &[MelWindow], scores: &mut [Scores]) -> Result<(), NetworkError> {
        self.model.manifest().check_windows(windows)?;
        let mut scores = scores;
        for run in windows.chunk_by(|before, after| before.stream == after.stream) {
            let (of_run, rest) = scores.split_at_mut(run.len());
            let model = Arc::clone(&self.model);
            self.stream(run[0].stream).score(model.network(), run, of_run);
            scores = rest;
        }
        Ok(())
    }

    /// The state of an input, which then stands last.
    fn stream(&mut self, id: StreamId) -> &mut Stream {
        let streams = &mut self.streams;
        if let Some(at) = streams.iter().position(|(known, _)| *known == id) {
            streams[at..].rotate_left(1);
        } else if streams.len() < MAX_STREAMS {
            streams.push((id, self.model.stream()));
        } else {
            streams.rotate_left(1);
            let (last_id, last) = &mut streams[MAX_STREAMS - 1];
            *last_id = id;
            last.reset();
        }
        let last = streams.last_mut().expect("invariant: the stream was put there");
        &mut last.1
    }
}

impl Scorer for NetworkScorer {
    fn labels(&self) -> &LabelSet {
        self.model.labels()
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        self.score(windows, scores).map_err(|error| ScorerError(Box::new(error)))
    }
}
