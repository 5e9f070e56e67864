//! The second look: a network that sees whole windows, asked only about windows in which the first one hears something. It
//! costs nothing at rest, so it may be the better ear of the two. Part of [`super::Model`]; runs on the classify thread.

use std::convert::Infallible;
use std::sync::Arc;

use super::inference_network::{InferenceNetwork, Work};
use super::stream::{self, Stream};
use super::{Bundle, Manifest, VerifierSpec};
use crate::domain::{MelWindow, Scores};

/// Which windows are looked at again, and what becomes of their scores; for any engine.
#[derive(Debug, Clone)]
pub struct SecondLook {
    spec: VerifierSpec,
    /// Labels, as indices, whose scores ask for a second look.
    events: Arc<[usize]>,
}

impl SecondLook {
    /// That of a model; none where it has no verifier.
    pub fn of(manifest: &Manifest) -> Option<Self> {
        let labels = manifest.labels.iter().enumerate();
        let events = labels.filter(|(_, label)| !manifest.non_events.contains(label));
        let events = events.map(|(index, _)| index).collect();
        manifest.verifier.map(|spec| Self { spec, events })
    }

    /// Has `verify` score the window anew if its `scores` ask for it, and makes one score of the two.
    ///
    /// # Errors
    /// Those of `verify`.
    pub fn apply<E>(
        &self,
        scores: &mut Scores,
        verify: impl FnOnce(&mut Scores) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut other = std::mem::take(&mut scores.verified);
        other.clear();
        // written so that what is not a number asks for nothing, and is seen in the scores
        let asks = self.events.iter().any(|&label| scores.values[label] >= self.spec.candidate);
        if asks {
            other.resize(scores.values.len(), 0.0);
            std::mem::swap(&mut scores.values, &mut other);
            verify(scores)?;
            let share = self.spec.share;
            for (verifier, first) in scores.values.iter_mut().zip(&mut other) {
                let both = first.powf(1.0 - share) * verifier.powf(share);
                (*first, *verifier) = (*verifier, both);
            }
        }
        scores.verified = other;
        Ok(())
    }
}

/// A network that looks again. Holds no state of any stream: it sees each window whole.
#[derive(Clone)]
pub struct Verifier {
    look: SecondLook,
    network: Arc<InferenceNetwork>,
}

impl Verifier {
    /// Packs the weights of a model's verifier, if it has one.
    pub fn of(bundle: &Bundle) -> Option<Self> {
        let network = InferenceNetwork::of_bundle(bundle.verifier.as_deref()?);
        Some(Self { look: SecondLook::of(&bundle.manifest)?, network: Arc::new(network) })
    }

    /// What it computes in.
    pub fn begin(&self) -> Stream {
        Stream::new(&self.network)
    }

    /// Looks again at those windows that ask for it.
    ///
    /// # Shapes
    /// `windows` and `scores` are equally long. `work` is worked in.
    ///
    /// # Real time
    /// Allocates nothing once it looked at a window.
    pub fn look(
        &self,
        stream: &mut Stream,
        windows: &[MelWindow],
        scores: &mut [Scores],
        work: &mut Work,
    ) {
        for (window, scores) in windows.iter().zip(scores) {
            let verify = |scores: &mut Scores| -> Result<(), Infallible> {
                stream.reset();
                stream.assign(0..1);
                let given = (std::slice::from_ref(window), std::slice::from_mut(scores));
                stream::score(&self.network, std::slice::from_mut(stream), |it| it, given, work);
                Ok(())
            };
            let Ok(()) = self.look.apply(scores, verify);
        }
    }
}
