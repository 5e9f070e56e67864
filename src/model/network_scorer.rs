//! The scorer behind `run`, `classify` and `eval`: windows in, scores out, convolving each frame once. Runs on the classify
//! thread.

use std::sync::Arc;

use super::inference_network::InferenceNetwork;
use super::model::ModelEngine;
use super::stream::Stream;
use super::verifier::Verifier;
use super::{Model, ModuleStream};
use crate::domain::{LabelSet, MelWindow, Scores, StreamId};
use crate::recognition::{Scorer, ScorerError};

/// Inputs whose frames are kept at a time. A further one takes the place of the one that was scored longest ago, which costs
/// time and changes no score, but for a module that keeps state.
const MAX_STREAMS: usize = 32;

/// Scores windows of any number of inputs with one shared model.
pub struct NetworkScorer {
    model: Arc<Model>,
    /// The input that was scored last stands last.
    streams: Vec<(StreamId, InputState)>,
}

/// What is kept of one input.
enum InputState {
    Network(Box<NetworkInput>),
    Module(Box<dyn ModuleStream>),
}

/// What a network and its verifier keep.
struct NetworkInput {
    network: Arc<InferenceNetwork>,
    stream: Stream,
    verifier: Option<(Verifier, Stream)>,
}

impl NetworkScorer {
    /// A scorer that has seen no window.
    pub fn new(model: &Arc<Model>) -> Self {
        Self { model: Arc::clone(model), streams: Vec::new() }
    }

    /// The state of an input, which then stands last.
    fn input(&mut self, id: StreamId) -> Result<&mut InputState, ScorerError> {
        let (streams, engine) = (&mut self.streams, self.model.engine());
        // what remembers nothing serves all inputs
        let most = match engine {
            ModelEngine::Module(runtime) if !runtime.is_stateful() => 1,
            _ => MAX_STREAMS,
        };
        if let Some(at) = streams.iter().position(|(known, _)| *known == id) {
            streams[at..].rotate_left(1);
        } else if streams.len() < most {
            let state = match engine {
                ModelEngine::Network(network, verifier) => {
                    let verifier = verifier.as_ref().map(|it| (it.clone(), it.begin()));
                    let (network, stream) = (Arc::clone(network), Stream::new(network));
                    InputState::Network(Box::new(NetworkInput { network, stream, verifier }))
                }
                ModelEngine::Module(runtime) => InputState::Module(runtime.open()?),
            };
            streams.push((id, state));
        } else {
            streams.rotate_left(1);
            let (last_id, last) = &mut streams[most - 1];
            *last_id = id;
            // a module sees by the window's stream and segment that it begins anew
            if let InputState::Network(input) = last {
                input.stream.reset();
            }
        }
        let last = streams.last_mut().expect("invariant: the stream was put there");
        Ok(&mut last.1)
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
        let mut scores = scores;
        for run in windows.chunk_by(|before, after| before.stream == after.stream) {
            let (of_run, rest) = scores.split_at_mut(run.len());
            match self.input(run[0].stream)? {
                InputState::Network(input) => {
                    let NetworkInput { network, stream, verifier } = &mut **input;
                    stream.score(network, run, of_run);
                    if let Some((verifier, stream)) = verifier {
                        verifier.look(stream, run, of_run);
                    }
                }
                InputState::Module(module) => module.score(run, of_run)?,
            }
            scores = rest;
        }
        Ok(())
    }
}
