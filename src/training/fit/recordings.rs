//! Recordings → features, each once, on all cores. Fed by the plan, feeds the training of every split.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::prepared::Prepared;
use super::{FitError, TrainingPlan};
use crate::domain::Clip;
use crate::dsp::{convolved, mixed, resample_clip};
use crate::offline::{
    CleaningSpec, ClipFault, DatasetClip, OnFault, Progress, Split, check_faults, load_clean_clip,
    map_clips, worker_count,
};
use crate::training::{ClipFeatures, FeatureSource, FeatureStore, NormaliserFit, TrainingSet};

/// The features of a plan's recordings.
pub struct Recordings {
    /// By the dataset's clip; none for clips that no split uses or that cannot be used.
    clips: Vec<Option<ClipFeatures>>,
    /// The same in rooms, [`ROOMS`] of each; empty without responses.
    reverberant: Vec<Vec<Option<ClipFeatures>>>,
    non_events: Vec<Vec<ClipFeatures>>,
    background: Vec<ClipFeatures>,
}

/// Rooms that each clip is put into: more cost memory, and every epoch draws anew among these.
const ROOMS: usize = 2;

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
            extract(plan, &clips, plan.cleaning, window, None, progress)
        };
        let responses = Responses::read(&prepared.responses)?;
        let rooms = if responses.clips.is_empty() { 0 } else { ROOMS };
        let in_rooms: Vec<_> = (0..rooms)
            .map(|room| {
                progress.begin(clips.len(), "clips in rooms");
                let place = Some((&responses, room));
                extract(plan, &clips, plan.cleaning, window, place, progress)
            })
            .collect();
        // pieces are put end to end; one of less than a second gets silence up to there
        let second = u64::from(plan.front_end.sample_rate_hz.hz());
        let background: Vec<_> = prepared.background.iter().map(|path| whole(path)).collect();
        let background = {
            progress.begin(background.len(), "background");
            extract(plan, &background, CleaningSpec::default(), second, None, progress)
        };
        let events = dataset.labels.len();
        let non_events: Vec<_> = prepared
            .non_events
            .iter()
            .enumerate()
            .map(|(index, paths)| {
                let clips = paths.iter().map(|path| (whole(path).0, Some(events + index)));
                let clips: Vec<_> = clips.collect();
                progress.begin(clips.len(), "sounds that are no events");
                extract(plan, &clips, CleaningSpec::default(), window, None, progress)
            })
            .collect();
        let of_dataset = dataset.faults.iter().cloned();
        let mut faults: Vec<ClipFault> = of_dataset
            .chain(
                features
                    .iter()
                    .chain(&background)
                    .chain(non_events.iter().flatten())
                    .filter_map(|it| it.as_ref().err().cloned()),
            )
            .collect();
        faults.sort();
        let others = prepared.background.len() + non_events.iter().map(Vec::len).sum::<usize>();
        let recordings = clips.len() + dataset.faults.len() + others;
        check_faults(&faults, recordings, plan.on_fault).map_err(FitError::Faulty)?;
        if !faults.is_empty() {
            let list: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            log::warn!(
                "{} of {recordings} recordings cannot be used and are left out:\n{}",
                faults.len(),
                list.join("\n")
            );
        }
        let by_clip = |features: Vec<Result<ClipFeatures, ClipFault>>| {
            let mut by_clip: Vec<Option<ClipFeatures>> = vec![None; dataset.clips.len()];
            for (&index, features) in used.iter().zip(features) {
                by_clip[index] = features.ok();
            }
            by_clip
        };
        let reverberant = in_rooms.into_iter().map(by_clip).collect();
        let by_clip = by_clip(features);
        for split in prepared.all_splits() {
            let usable = split.clone().of_usable(dataset, |clip| by_clip[clip].is_some());
            usable.map_err(FitError::LeftOut)?;
        }
        let usable = |features: Vec<Result<ClipFeatures, ClipFault>>| {
            features.into_iter().flatten().collect::<Vec<_>>()
        };
        Ok(Self {
            clips: by_clip,
            reverberant,
            non_events: non_events.into_iter().map(usable).filter(|it| !it.is_empty()).collect(),
            background: usable(background),
        })
    }

    /// The features of a split, and the sums its normaliser is made of.
    pub fn set_of(&self, split: &Split, mel_bands: usize) -> (TrainingSet, NormaliserFit) {
        let of = |all: &[Option<ClipFeatures>], clips: &[usize]| -> Vec<ClipFeatures> {
            clips.iter().filter_map(|&index| all[index].clone()).collect()
        };
        let set = TrainingSet {
            train: of(&self.clips, &split.train),
            reverberant: self.reverberant.iter().flat_map(|it| of(it, &split.train)).collect(),
            non_events: self.non_events.clone(),
            validation: of(&self.clips, &split.validation),
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

/// Room responses, and the recordings they come from.
struct Responses {
    paths: Vec<PathBuf>,
    clips: Vec<Clip>,
}

impl Responses {
    fn read(paths: &[PathBuf]) -> Result<Self, FitError> {
        let mut faults = Vec::new();
        let mut clips = Vec::with_capacity(paths.len());
        for path in paths {
            match load_clean_clip(&whole(path).0, &CleaningSpec::default()) {
                Ok(clip) => clips.push(clip),
                Err(fault) => faults.push(fault),
            }
        }
        check_faults(&faults, paths.len(), OnFault::Refuse).map_err(FitError::Faulty)?;
        Ok(Self { paths: paths.to_vec(), clips })
    }

    /// The response of a clip's room: the same in every run.
    fn index(&self, clip: usize, room: usize) -> usize {
        mixed((clip * ROOMS + room) as u64) as usize % self.clips.len()
    }

    /// The clip as that room sounds it.
    fn sounded(&self, clip: &Clip, response: usize) -> Result<Clip, String> {
        let response = resample_clip(&self.clips[response], clip.sample_rate);
        let response = response.map_err(|error| error.to_string())?;
        let samples = convolved(&clip.samples, &response.samples);
        Ok(Clip { sample_rate: clip.sample_rate, samples })
    }
}

fn extract(
    plan: &TrainingPlan,
    clips: &[(DatasetClip, Option<usize>)],
    cleaning: CleaningSpec,
    window_samples: u64,
    room: Option<(&Responses, usize)>,
    progress: &dyn Progress,
) -> Vec<Result<ClipFeatures, ClipFault>> {
    let store = FeatureStore {
        front_end: plan.front_end.clone(),
        window_samples,
        folder: plan.features.clone(),
    };
    let work = |_: &mut (), index: usize, (clip, label): &(DatasetClip, Option<usize>)| {
        let mut treatment = format!("{:?} {cleaning:?}", clip.span);
        let room = room.map(|(responses, room)| (responses, responses.index(index, room)));
        if let Some((responses, index)) = room {
            treatment += &format!(" {}", responses.paths[index].display());
        }
        let source = FeatureSource { path: &clip.path, treatment: &treatment, label: *label };
        let load = || {
            let dry = load_clean_clip(clip, &cleaning).map_err(|fault| fault.reason)?;
            match room {
                Some((responses, index)) => responses.sounded(&dry, index),
                None => Ok(dry),
            }
        };
        let features = store.features(source, load);
        features.map_err(|reason| ClipFault { path: clip.path.clone(), reason, fold: clip.fold })
    };
    let features = map_clips(clips, vec![(); worker_count()], work, &|| progress.advance());
    progress.finish();
    features
}
