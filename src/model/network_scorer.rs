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

/// Inputs whose frames are kept at a time, unless more are announced.
const USUAL_STREAMS: usize = 32;

/// Scores windows of any number of inputs with one shared model.
pub struct NetworkScorer {
    model: Arc<Model>,
    most_streams: usize,
    /// The input that was scored last stands last.
    streams: Vec<(StreamId, InputState)>,
    /// It sees each window whole, so that one serves all inputs.
    verifier: Option<(Verifier, Stream)>,
}

/// What is kept of one input.
enum InputState {
    Network { network: Arc<InferenceNetwork>, stream: Box<Stream> },
    Module(Box<dyn ModuleStream>),
}

impl NetworkScorer {
    /// A scorer that has seen no window.
    pub fn new(model: &Arc<Model>) -> Self {
        Self::for_inputs(model, USUAL_STREAMS)
    }

    /// As [`Self::new`]; keeps the frames of so many inputs at a time, a few at least. A further one takes the place of the one that
    /// was scored longest ago, which costs time and changes no score, but for a module that keeps state.
    pub fn for_inputs(model: &Arc<Model>, inputs: usize) -> Self {
        let verifier = match model.engine() {
            ModelEngine::Network(_, verifier) => verifier.clone(),
            ModelEngine::Module(_) => None,
        };
        Self {
            model: Arc::clone(model),
            most_streams: inputs.max(USUAL_STREAMS),
            streams: Vec::new(),
            verifier: verifier.map(|verifier| {
                let stream = verifier.begin();
                (verifier, stream)
            }),
        }
    }

    /// The state of an input, which then stands last.
    fn input(&mut self, id: StreamId) -> Result<&mut InputState, ScorerError> {
        let (streams, engine) = (&mut self.streams, self.model.engine());
        // what remembers nothing serves all inputs
        let most = match engine {
            ModelEngine::Module(runtime) if !runtime.is_stateful() => 1,
            _ => self.most_streams,
        };
        if let Some(at) = streams.iter().position(|(known, _)| *known == id) {
            streams[at..].rotate_left(1);
        } else if streams.len() < most {
            let state = match engine {
                ModelEngine::Network(network, _) => InputState::Network {
                    network: Arc::clone(network),
                    stream: Box::new(Stream::new(network)),
                },
                ModelEngine::Module(runtime) => InputState::Module(runtime.open()?),
            };
            streams.push((id, state));
        } else {
            streams.rotate_left(1);
            let (last_id, last) = &mut streams[most - 1];
            *last_id = id;
            // a module sees by the window's stream and segment that it begins anew
            if let InputState::Network { stream, .. } = last {
                stream.reset();
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
                InputState::Network { network, stream } => stream.score(network, run, of_run),
                InputState::Module(module) => module.score(run, of_run)?,
            }
            if let Some((verifier, stream)) = &mut self.verifier {
                verifier.look(stream, run, of_run);
            }
            scores = rest;
        }
        Ok(())
    }
}
