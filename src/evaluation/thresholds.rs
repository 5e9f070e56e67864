//! Chooses the score at which each label may begin an event, on validation recordings that no weight was fitted to. Fed
//! by the end of `train`, feeds the bundle; runs on the thread that calls it and rayon's.

use std::time::Duration;

use rayon::prelude::*;

use super::{ClipScores, DetectionRules, EvaluationError};
use crate::domain::LabelSet;
use crate::recognition::{ModelTraits, Thresholds};

/// By clips alone no label fires below the first or needs more than the second, however few there were to choose by.
/// In hundredths.
const CLIP_RANGE: (u32, u32) = (15, 90);

/// So many recordings of a label at least say something of its scores; with fewer, whatever was given to that one clip would do.
const MIN_CLIPS: usize = 2;

/// Thresholds are hundredths: finer is more than a few hundred recordings can show.
const MAX_HUNDREDTHS: u32 = 99;

/// A threshold that background forced up is raised by this part of what is left above it: the highest score of the hours
/// there were is not the highest there will be.
const MARGIN_PART: u32 = 8;

/// Where in the best stretch a threshold is taken: in its middle or, where background shows what is too low, a quarter of
/// the way up. Sounds that come with noise score lower than the clips that were measured.
const STRETCH_PART: u32 = 2;
const STRETCH_PART_WITH_BACKGROUND: u32 = 4;

/// What thresholds are chosen for.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdRules {
    /// How the daemon will make events of scores.
    pub detection: DetectionRules,
    /// Recall counts this many times as much as precision. Half: a false alarm annoys more than a missed sound.
    pub beta: f64,
    /// False alarms that all labels together may give in an hour of sound that holds no class.
    pub false_alarms_per_hour: f64,
    /// Off-threshold as a share of the on-threshold: an event goes on until the score has fallen well below where it
    /// began.
    pub off_share: f32,
}

impl Default for ThresholdRules {
    /// The daemon's own rules, F½, one false alarm an hour, 0.6.
    fn default() -> Self {
        Self {
            detection: DetectionRules::default(),
            beta: 0.5,
            false_alarms_per_hour: 1.0,
            off_share: 0.6,
        }
    }
}

/// The thresholds of each label, in the order of the labels.
///
/// First the on-threshold with the best F-beta between the recordings that have the label and those that have not, where
/// a recording counts as given a label if the daemon, with its smoothing and confirmation, would begin an event of it
/// anywhere in it. The middle of the best stretch is taken, or a quarter of the way up where there is background; with
/// less than two recordings of the label, the highest that clips may ask for.
///
/// Then, if need be, it is raised until, with some room, the label alone gives no more than its share of the false alarms
/// allowed in the recordings without a label (`false_alarms_per_hour / labels`, rounded down over their length: with less than an hour
/// of them, none at all). Events are counted by the daemon's own detector. Where no threshold is high enough it is 0.99.
///
/// # Errors
/// [`EvaluationError`] when the rules contradict, or a score is none.
pub fn choose_thresholds(
    labels: &LabelSet,
    clips: &[ClipScores],
    rules: &ThresholdRules,
) -> Result<Vec<Thresholds>, EvaluationError> {
    let clips: Vec<&ClipScores> = clips.iter().filter(|clip| !clip.windows.is_empty()).collect();
    let highest: Vec<Vec<f32>> =
        clips.par_iter().map(|clip| rules.detection.highest_threshold(clip)).collect();
    let has_background = clips.iter().any(|clip| clip.label.is_none());
    let part = if has_background { STRETCH_PART_WITH_BACKGROUND } else { STRETCH_PART };
    let by_clips: Vec<u32> = (0..labels.len())
        .map(|label| {
            let scored = clips.iter().zip(&highest);
            let scored: Vec<(f32, bool)> =
                scored.map(|(clip, highest)| (highest[label], clip.label == Some(label))).collect();
            best_by_clips(&scored, rules.beta, part)
        })
        .collect();
    let background: Vec<&ClipScores> =
        clips.into_iter().filter(|clip| clip.label.is_none()).collect();
    let alarms = alarms_by_threshold(labels, &background, rules, &by_clips)?;
    let hours = background.iter().map(|clip| clip.seconds()).sum::<f64>() / 3600.0;
    let allowed = (hours * rules.false_alarms_per_hour / labels.len() as f64) as usize;
    let choose = |(label, &by_clips): (usize, &u32)| {
        // the lowest above which no threshold gives more alarms: they need not fall steadily as it rises
        let too_many = |(_, alarms): &&(u32, Vec<usize>)| alarms[label] > allowed;
        let quiet_from = alarms.iter().rev().find(too_many).map_or(0, |(hundredths, _)| {
            let above = 100 - hundredths;
            hundredths + 1 + above.div_ceil(MARGIN_PART)
        });
        let on = by_clips.max(quiet_from).min(MAX_HUNDREDTHS) as f32 / 100.0;
        // two decimals here too, for the reader of a bundle
        Thresholds { on, off: (on * rules.off_share * 100.0).round().max(1.0) / 100.0 }
    };
    Ok(by_clips.iter().enumerate().map(choose).collect())
}

/// The threshold, in hundredths, with the best F-beta: the `part`th part of the way up the stretch of equally good ones,
/// the highest stretch if there are several.
fn best_by_clips(clips: &[(f32, bool)], beta: f64, part: u32) -> u32 {
    let positives = clips.iter().filter(|(_, has_it)| *has_it).count();
    if positives < MIN_CLIPS {
        return CLIP_RANGE.1;
    }
    let positives = positives as f64;
    let (mut best_value, mut stretch) = (0.0, None);
    for hundredths in (1..=MAX_HUNDREDTHS).rev() {
        let on = hundredths as f32 / 100.0;
        let given = clips.iter().filter(|(score, _)| *score >= on);
        let (mut hits, mut all) = (0.0, 0.0);
        for (_, has_it) in given {
            hits += f64::from(u8::from(*has_it));
            all += 1.0;
        }
        let square = beta * beta;
        let value = (1.0 + square) * hits / (square * positives + all).max(1.0);
        match &mut stretch {
            _ if value > best_value => {
                (best_value, stretch) = (value, Some((hundredths, hundredths)));
            }
            Some((lowest, _)) if value == best_value && *lowest == hundredths + 1 => {
                *lowest = hundredths;
            }
            _ => {}
        }
    }
    let chosen = stretch
        .map_or(CLIP_RANGE.1, |(lowest, highest)| lowest + (highest - lowest).div_ceil(part));
    chosen.clamp(CLIP_RANGE.0, CLIP_RANGE.1)
}

/// For each threshold that may be chosen, rising, how many events of each label the detector begins in the background.
fn alarms_by_threshold(
    labels: &LabelSet,
    background: &[&ClipScores],
    rules: &ThresholdRules,
    by_clips: &[u32],
) -> Result<Vec<(u32, Vec<usize>)>, EvaluationError> {
    let lowest = by_clips.iter().copied().min().unwrap_or(MAX_HUNDREDTHS);
    let count = |hundredths: u32| {
        let on = hundredths as f32 / 100.0;
        let thresholds = vec![Thresholds { on, off: on * rules.off_share }; labels.len()];
        let model = ModelTraits {
            non_events: Vec::new(),
            labels: labels.clone(),
            thresholds,
            hop: Duration::ZERO,
        };
        let mut alarms = vec![0; labels.len()];
        for clip in background {
            for event in clip.replay(&model, &rules.detection)? {
                alarms[event.label] += 1;
            }
        }
        Ok((hundredths, alarms))
    };
    if background.is_empty() {
        return Ok(Vec::new());
    }
    (lowest..=MAX_HUNDREDTHS).into_par_iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::super::clip_scores::tests::track;
    use super::*;
    use crate::recognition::DetectorSettings;

    fn rules(false_alarms_per_hour: f64) -> ThresholdRules {
        let settings = DetectorSettings { min_event: Duration::ZERO, ..Default::default() };
        let detection = DetectionRules { smoothing: Duration::ZERO, settings };
        ThresholdRules { detection, false_alarms_per_hour, ..Default::default() }
    }

    fn chosen(clips: &[ClipScores], false_alarms_per_hour: f64) -> Thresholds {
        let labels = LabelSet::new(&["dog"]).unwrap();
        choose_thresholds(&labels, clips, &rules(false_alarms_per_hour)).unwrap()[0]
    }

    /// A recording that confirms at most `score`, and whether it has the label.
    fn clip(score: f32, has_it: bool) -> ClipScores {
        let label = if has_it { 0 } else { 1 };
        track(Some(label), &[0.05, score, score, 0.05])
    }

    #[test]
    fn separable_clips_are_parted_in_the_middle() {
        let clips = [clip(0.8, true), clip(0.6, true), clip(0.4, false), clip(0.1, false)];
        let chosen = chosen(&clips, 1.0);
        // all from 0.41 to 0.60 part them alike
        assert_eq!((chosen.on, chosen.off), (0.51, 0.31));
    }

    #[test]
    fn false_alarms_cost_more_than_misses() {
        // taking the last true clip would let four false ones in
        let mut clips = vec![clip(0.9, true), clip(0.8, true), clip(0.3, true)];
        clips.extend(std::iter::repeat_n(clip(0.5, false), 4));
        assert_eq!(chosen(&clips, 1.0).on, 0.66);
    }

    #[test]
    fn a_peak_that_the_detector_would_not_confirm_counts_for_nothing() {
        let lone = track(Some(1), &[0.05, 0.9, 0.05, 0.05]);
        let clips = [clip(0.8, true), clip(0.9, true), lone, clip(0.3, false)];
        // between the confirmed 0.3 and 0.8
        assert_eq!(chosen(&clips, 1.0).on, 0.56);
    }

    #[test]
    fn a_label_with_less_than_two_clips_gets_the_highest_threshold_and_a_usable_pair() {
        for clips in [&[clip(0.2, false)][..], &[clip(0.7, true), clip(0.2, false)], &[]] {
            let chosen = chosen(clips, 1.0);
            assert_eq!(chosen.on, 0.9);
            assert!(0.0 < chosen.off && chosen.off < chosen.on);
        }
    }

    #[test]
    fn background_that_would_raise_an_alarm_raises_the_threshold() {
        let clips = [clip(0.9, true), clip(0.85, true), clip(0.2, false)];
        let alone = chosen(&clips, 1.0).on;
        assert_eq!(alone, 0.53);
        let background = track(None, &[0.05, 0.7, 0.7, 0.05]);
        let with_background = [clips.to_vec(), vec![background]].concat();
        // by clips alone a quarter of the way from 0.71 to 0.85: the background counts among the clips too
        assert_eq!(chosen(&with_background, 1.0).on, 0.75);
        let worse = track(None, &[0.05, 0.94, 0.94, 0.05]);
        let with_worse = [clips.to_vec(), vec![worse]].concat();
        // above 0.94, and an eighth of what is left above that
        assert_eq!(chosen(&with_worse, 1.0).on, 0.96);
    }

    #[test]
    fn alarms_that_are_allowed_do_not_raise_it() {
        // forty seconds of background with two alarms; the clips alone are content with the lowest they may have
        let mut scores = vec![0.05; 476];
        for at in [100, 300] {
            scores[at..at + 4].fill(0.94);
        }
        let mut clips = vec![track(None, &scores)];
        clips.extend(std::iter::repeat_n(clip(0.3, true), 20));
        let on = |alarms: f64| chosen(&clips, alarms * 90.0).on;
        assert_eq!((on(1.9), on(2.1)), (0.96, 0.15));
    }
}
