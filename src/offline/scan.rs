//! A whole clip through the featuriser and the recogniser of the live path. Fed clips by `classify`, gives it records;
//! runs wherever it is called.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::clip_windows::{ClipWindows, for_each_batch};
use crate::domain::{Clip, Published, Record};
use crate::features::{FeatureError, FeaturiserSpec};
use crate::recognition::{Recogniser, ScorerError};

/// A clip that cannot be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The front end cannot be computed at the clip's rate.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The network failed.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
}

/// Scans clips, one after the other, with one scorer.
pub struct ClipScanner {
    featuriser: FeaturiserSpec,
    recogniser: Recogniser,
}

impl ClipScanner {
    /// Scans with `recogniser`, whose source and rate are those of each clip in turn.
    pub fn new(featuriser: FeaturiserSpec, recogniser: Recogniser) -> Self {
        Self { featuriser, recogniser }
    }

    /// Emits the records of `clip`: the same as a live source that plays it would give, but for times and
    /// latency. Ids of events go on from clip to clip.
    ///
    /// A clip that is shorter than one window gets silence at its end, just enough for one, and the window's record
    /// says how much. (The live path never pads: it says that nothing was scored.) A clip without samples has nothing
    /// to score, and gives no record.
    ///
    /// # Errors
    /// [`ScanError`] when the clip's rate cannot be resampled or the scorer fails; open events have ended then.
    pub fn scan(
        &mut self,
        clip: &Clip,
        source: Arc<str>,
        emit: &mut dyn FnMut(Record),
    ) -> Result<ClipWindows, ScanError> {
        let Self { featuriser, recogniser } = self;
        let emit = &mut |published: Published| emit(published.into());
        recogniser.set_source(source, clip.sample_rate, emit);
        let mut failure = None;
        let scanned = for_each_batch(clip, featuriser, &mut |windows, padded_samples| {
            let pushed = recogniser.push_batch(windows, &mut |mut published| {
                if let Record::Window(window) = &mut published.record {
                    window.padded_samples = padded_samples;
                }
                emit(published);
            });
            match pushed {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        recogniser.finish(emit);
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(scanned?),
        }
    }
}
