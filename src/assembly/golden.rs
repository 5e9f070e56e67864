//! A recording with known scores, scored again: whether front end and module are those that the bundle was made with. Asked by
//! `check`; runs where it is called.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::ModelError;
use crate::domain::Scores;
use crate::model::{Golden, Model, NetworkScorer};
use crate::offline::{ScanError, for_each_batch};
use crate::recognition::Scorer;
use crate::sources::load_clip;

/// How far apart a score and the known one may be: other libraries round otherwise.
const MAX_DIFFERENCE: f32 = 1e-3;

/// Scores the recording, and says how many windows it has.
///
/// # Errors
/// [`ModelError`] when it cannot be read or scored, or gets other scores.
pub(super) fn check_golden(model: &Arc<Model>, golden: &Golden) -> Result<usize, ModelError> {
    let clip = load_clip(&golden.clip)?;
    let mut scorer = NetworkScorer::new(model);
    let labels = model.labels();
    let mut found: Vec<Scores> = Vec::new();
    let mut failure = None;
    for_each_batch(&clip, &model.featuriser_spec(), &mut |windows, _| {
        let begun = found.len();
        found.resize_with(begun + windows.len(), || Scores::zeros(labels.len()));
        match scorer.score_into(windows, &mut found[begun..]) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(ScanError::from(error));
                ControlFlow::Break(())
            }
        }
    })
    .map_err(ScanError::from)?;
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    let path = || golden.clip.clone();
    if found.len() != golden.scores.len() {
        let (windows, known) = (found.len(), golden.scores.len());
        return Err(ModelError::GoldenWindows { path: path(), windows, known });
    }
    for (window, (found, known)) in found.iter().zip(&golden.scores).enumerate() {
        let pairs = found.values.iter().zip(known).enumerate();
        let (label, (&found, &known)) = pairs
            .max_by(|(_, (a, b)), (_, (c, d))| (*a - *b).abs().total_cmp(&(*c - *d).abs()))
            .expect("invariant: a model has labels");
        // written so that NaN fails
        let agrees = (found - known).abs() <= MAX_DIFFERENCE;
        if !agrees {
            let (path, label) = (path(), labels.label(label).to_string());
            let max = MAX_DIFFERENCE;
            return Err(ModelError::GoldenScore { path, window, label, found, known, max });
        }
    }
    Ok(found.len())
}
