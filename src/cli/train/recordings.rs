//! Recordings → features, each once, on all cores. Fed by the plan, feeds the training of every split.

use std::collections::BTreeSet;
use std::path::Path;

use super::plan::Plan;
use crate::cli::Failure;
use crate::cli::progress_bar::progress_bar;
use crate::offline::{
    CleaningSpec, ClipFault, DatasetClip, Split, check_faults, load_clean_clip, map_clips,
    worker_count,
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
    /// [`Failure`] with every recording that cannot be used, unless they are to be left out and leave something of every
    /// class.
    pub fn read(plan: &Plan) -> Result<Self, Failure> {
        let used: BTreeSet<usize> = plan
            .all_splits()
            .iter()
            .flat_map(|split| split.train.iter().chain(&split.validation))
            .copied()
            .collect();
        let used: Vec<usize> = used.into_iter().collect();
        let clips: Vec<(DatasetClip, Option<usize>)> = used
            .iter()
            .map(|&index| &plan.dataset.clips[index])
            .map(|clip| (clip.clone(), Some(clip.label)))
            .collect();
        let window = plan.front_end.samples_of(plan.window.frames);
        let features = extract(plan, "clips", &clips, plan.cleaning, window);
        // pieces are put end to end; one of less than a second gets silence up to there
        let second = u64::from(plan.front_end.sample_rate_hz.hz());
        let background: Vec<_> = plan.background.iter().map(|path| whole(path)).collect();
        let background = extract(plan, "background", &background, CleaningSpec::default(), second);
        let of_dataset = plan.dataset.faults.iter().cloned();
        let mut faults: Vec<ClipFault> = of_dataset
            .chain(features.iter().chain(&background).filter_map(|it| it.as_ref().err().cloned()))
            .collect();
        faults.sort();
        let recordings = clips.len() + plan.dataset.faults.len() + plan.background.len();
        check_faults(&faults, recordings, plan.on_fault).map_err(Failure::device_or_model)?;
        if !faults.is_empty() {
            let list: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            log::warn!(
                "{} of {recordings} recordings cannot be used and are left out:\n{}",
                faults.len(),
                list.join("\n")
            );
        }
        let mut by_clip: Vec<Option<ClipFeatures>> = vec![None; plan.dataset.clips.len()];
        for (index, features) in used.into_iter().zip(features) {
            by_clip[index] = features.ok();
        }
        for split in plan.all_splits() {
            let usable = split.clone().of_usable(&plan.dataset, |clip| by_clip[clip].is_some());
            usable.map_err(Failure::device_or_model)?;
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
    plan: &Plan,
    what: &str,
    clips: &[(DatasetClip, Option<usize>)],
    cleaning: CleaningSpec,
    window_samples: u64,
) -> Vec<Result<ClipFeatures, ClipFault>> {
    let store = FeatureStore {
        front_end: plan.front_end.clone(),
        window_samples,
        folder: plan.arguments.dataset.features.clone(),
    };
    let bar = progress_bar(clips.len() as u64, what);
    let work = |_: &mut (), _: usize, (clip, label): &(DatasetClip, Option<usize>)| {
        let treatment = format!("{:?} {cleaning:?}", clip.span);
        let source = FeatureSource { path: &clip.path, treatment: &treatment, label: *label };
        let load = || load_clean_clip(clip, &cleaning).map_err(|fault| fault.reason);
        let features = store.features(source, load);
        features.map_err(|reason| ClipFault { path: clip.path.clone(), reason, fold: clip.fold })
    };
    let features = map_clips(clips, vec![(); worker_count()], work, &|| bar.inc(1));
    bar.finish_and_clear();
    features
}
