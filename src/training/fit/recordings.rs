//! Recordings → features, each once, on all cores. Fed by the plan, feeds the training of every split.

use std::collections::BTreeSet;
use std::path::Path;

use super::prepared::Prepared;
use super::{FitError, TrainingPlan};
use crate::offline::{
    CleaningSpec, ClipFault, DatasetClip, Progress, Split, check_faults, load_clean_clip,
    map_clips, worker_count,
};
use crate::training::{ClipFeatures, FeatureSource, FeatureStore, NormaliserFit, TrainingSet};

/// The features of a plan's recordings.
pub struct Recordings {
    /// By the dataset's clip; none for clips that no split uses or that cannot be used.
    clips: Vec<Option<ClipFeatures>>,
    background: Vec<ClipFeatures>,
}

impl Recordings {
    /// Reads every clip that a split uses, and the background.
    ///
    /// # Errors
    /// [`FitError`] with every recording that cannot be used, unless they are to be left out and leave something of every
    /// class.
    pub fn read(prepared: &Prepared<'_>, progress: &dyn Progress) -> Result<Self, FitError> {
        let (plan, dataset) = (prepared.plan, &prepared.dataset);
        let used: BTreeSet<usize> = prepared
            .all_splits()
            .iter()
            .flat_map(|split| split.train.iter().chain(&split.validation))
            .copied()
            .collect();
        let used: Vec<usize> = used.into_iter().collect();
        let clips: Vec<(DatasetClip, Option<usize>)> = used
            .iter()
            .map(|&index| &dataset.clips[index])
            .map(|clip| (clip.clone(), Some(clip.label)))
            .collect();
        let window = plan.front_end.samples_of(plan.window.frames);
        let features = {
            progress.begin(clips.len(), "clips");
            extract(plan, &clips, plan.cleaning, window, progress)
        };
        // pieces are put end to end; one of less than a second gets silence up to there
        let second = u64::from(plan.front_end.sample_rate_hz.hz());
        let background: Vec<_> = prepared.background.iter().map(|path| whole(path)).collect();
        let background = {
            progress.begin(background.len(), "background");
            extract(plan, &background, CleaningSpec::default(), second, progress)
        };
        let of_dataset = dataset.faults.iter().cloned();
        let mut faults: Vec<ClipFault> = of_dataset
            .chain(features.iter().chain(&background).filter_map(|it| it.as_ref().err().cloned()))
            .collect();
        faults.sort();
        let recordings = clips.len() + dataset.faults.len() + prepared.background.len();
        check_faults(&faults, recordings, plan.on_fault).map_err(FitError::Faulty)?;
        if !faults.is_empty() {
            let list: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            log::warn!(
                "{} of {recordings} recordings cannot be used and are left out:\n{}",
                faults.len(),
                list.join("\n")
            );
        }
        let mut by_clip: Vec<Option<ClipFeatures>> = vec![None; dataset.clips.len()];
        for (index, features) in used.into_iter().zip(features) {
            by_clip[index] = features.ok();
        }
        for split in prepared.all_splits() {
            let usable = split.clone().of_usable(dataset, |clip| by_clip[clip].is_some());
            usable.map_err(FitError::LeftOut)?;
        }
        Ok(Self { clips: by_clip, background: background.into_iter().flatten().collect() })
    }

    /// The features of a split, and the sums its normaliser is made of.
    pub fn set_of(&self, split: &Split, mel_bands: usize) -> (TrainingSet, NormaliserFit) {
        let of = |clips: &[usize]| -> Vec<ClipFeatures> {
            clips.iter().filter_map(|&index| self.clips[index].clone()).collect()
        };
        let set = TrainingSet {
            train: of(&split.train),
            validation: of(&split.validation),
            background: self.background.clone(),
        };
        let mut fit = NormaliserFit::new(mel_bands);
        set.train.iter().for_each(|clip| fit.add(clip));
        (set, fit)
    }

    /// Whether a clip can be used.
    pub fn has(&self, clip: usize) -> bool {
        self.clips[clip].is_some()
    }
}

fn whole(path: &Path) -> (DatasetClip, Option<usize>) {
    let clip = DatasetClip { path: path.to_owned(), label: 0, fold: None, group: None, span: None };
    (clip, None)
}

fn extract(
    plan: &TrainingPlan,
    clips: &[(DatasetClip, Option<usize>)],
    cleaning: CleaningSpec,
    window_samples: u64,
    progress: &dyn Progress,
) -> Vec<Result<ClipFeatures, ClipFault>> {
    let store = FeatureStore {
        front_end: plan.front_end.clone(),
        window_samples,
        folder: plan.features.clone(),
    };
    let work = |_: &mut (), _: usize, (clip, label): &(DatasetClip, Option<usize>)| {
        let treatment = format!("{:?} {cleaning:?}", clip.span);
        let source = FeatureSource { path: &clip.path, treatment: &treatment, label: *label };
        let load = || load_clean_clip(clip, &cleaning).map_err(|fault| fault.reason);
        let features = store.features(source, load);
        features.map_err(|reason| ClipFault { path: clip.path.clone(), reason, fold: clip.fold })
    };
    let features = map_clips(clips, vec![(); worker_count()], work, &|| progress.advance());
    progress.finish();
    features
}
