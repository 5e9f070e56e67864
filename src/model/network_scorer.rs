//! The scorer behind `run`, `classify` and `eval`: windows in, scores out, convolving each frame once. Runs on the classify
//! thread.

use std::sync::Arc;

use super::inference_network::{InferenceNetwork, Work};
use super::model::ModelEngine;
use super::recent_streams::RecentStreams;
use super::stream::{self, Stream};
use super::verifier::Verifier;
use super::{Model, ModuleRuntime, ModuleStream};
use crate::domain::{LabelSet, MelWindow, Scores};
use crate::recognition::{Scorer, ScorerError};

/// Inputs whose frames are kept at a time, unless more are announced.
const USUAL_STREAMS: usize = 32;

/// Scores windows of any number of inputs with one shared model.
pub struct NetworkScorer {
    model: Arc<Model>,
    inputs: Inputs,
}

/// What is kept of the inputs.
enum Inputs {
    Network(Box<NetworkInputs>),
    Module { runtime: Arc<dyn ModuleRuntime>, streams: RecentStreams<Box<dyn ModuleStream>> },
}

struct NetworkInputs {
    network: Arc<InferenceNetwork>,
    streams: RecentStreams<Stream>,
    /// It sees each window whole, so that one serves all inputs.
    verifier: Option<(Verifier, Stream)>,
    work: Work,
}

impl NetworkScorer {
    /// A scorer that has seen no window.
    pub fn new(model: &Arc<Model>) -> Self {
        Self::for_inputs(model, USUAL_STREAMS)
    }

    /// As [`Self::new`]; keeps the frames of so many inputs at a time, a few at least. A further one takes the place of the one that
    /// was scored longest ago, which costs time and changes no score, but for a module that keeps state.
    pub fn for_inputs(model: &Arc<Model>, inputs: usize) -> Self {
        let most = inputs.max(USUAL_STREAMS);
        let inputs = match model.engine() {
            ModelEngine::Network(network, verifier) => Inputs::Network(Box::new(NetworkInputs {
                network: Arc::clone(network),
                streams: RecentStreams::new(most),
                verifier: verifier.clone().map(|verifier| {
                    let stream = verifier.begin();
                    (verifier, stream)
                }),
                work: Work::default(),
            })),
            ModelEngine::Module(runtime) => {
                // what remembers nothing serves all inputs
                let most = if runtime.is_stateful() { most } else { 1 };
                Inputs::Module { runtime: Arc::clone(runtime), streams: RecentStreams::new(most) }
            }
        };
        Self { model: Arc::clone(model), inputs }
    }
}

impl NetworkInputs {
    /// Scores windows, those of many inputs together.
    fn score(&mut self, windows: &[MelWindow], scores: &mut [Scores]) {
        let Self { network, streams, verifier, work } = self;
        let mut begun = 0;
        while begun < windows.len() {
            let (mut end, mut together) = (begun, 0);
            for run in windows[begun..].chunk_by(|before, after| before.stream == after.stream) {
                let id = run[0].stream;
                // an input comes once
                if together == streams.most() || streams.is_among_latest(together, id) {
                    break;
                }
                let stream = streams.latest(id, || Stream::new(network), Stream::reset);
                stream.assign(end..end + run.len());
                end += run.len();
                together += 1;
            }
            let given = (windows, &mut *scores);
            stream::score(network, streams.latest_ones(together), |(_, it)| it, given, work);
            begun = end;
        }
        if let Some((verifier, stream)) = verifier {
            verifier.look(stream, windows, scores, work);
        }
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
        self.model.check_windows(windows).map_err(|error| ScorerError(Box::new(error)))?;
        match &mut self.inputs {
            Inputs::Network(inputs) => inputs.score(windows, scores),
            Inputs::Module { runtime, streams } => {
                let mut scores = scores;
                for run in windows.chunk_by(|before, after| before.stream == after.stream) {
                    let (of_run, rest) = scores.split_at_mut(run.len());
                    // a module sees by the window's stream and segment that it begins anew
                    let stream = streams.latest_or(run[0].stream, || runtime.open(), |_| {})?;
                    stream.score(run, of_run)?;
                    scores = rest;
                }
            }
        }
        Ok(())
    }
}
