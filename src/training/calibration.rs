//! Chooses the score at which each label may begin an event, on validation clips that no weight was fitted to.

use crate::recognition::Thresholds;

/// Weighs precision twice as much as recall: a false alarm annoys more than a missed second of a long sound.
const BETA: f64 = 0.5;

/// No label fires below the first or needs more than the second, however few clips there were to choose by.
const RANGE: (f32, f32) = (0.15, 0.9);

/// An event goes on until the score has fallen well below where it began.
const OFF_SHARE: f32 = 0.6;

/// The on-threshold with the best F½ between the clips that have a label and those that have not.
///
/// `clips` holds, for each clip, the highest score the detector could confirm, and whether the clip has the label.
/// Between two thresholds that part the clips alike, the middle is taken.
pub fn calibrate(clips: &[(f32, bool)]) -> Thresholds {
    let mut sorted: Vec<(f32, bool)> = clips.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = sorted.iter().filter(|(_, has_it)| *has_it).count() as f64;
    let (mut hits, mut best_value, mut best) = (0.0, 0.0, RANGE.1);
    for (index, (score, has_it)) in sorted.iter().enumerate() {
        hits += f64::from(*has_it);
        let given = (index + 1) as f64;
        let value = (1.0 + BETA * BETA) * hits / (BETA * BETA * positives + given);
        if value > best_value {
            let next = sorted.get(index + 1).map_or(0.0, |(score, _)| *score);
            best_value = value;
            best = (score + next) / 2.0;
        }
    }
    let on = best.clamp(RANGE.0, RANGE.1);
    Thresholds { on, off: on * OFF_SHARE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separable_clips_are_parted_in_the_middle() {
        let clips = [(0.8, true), (0.6, true), (0.4, false), (0.1, false)];
        assert_eq!(calibrate(&clips).on, 0.5);
    }

    #[test]
    fn false_alarms_cost_more_than_misses() {
        // taking the last true clip would let four false ones in
        let clips = [
            (0.9, true),
            (0.8, true),
            (0.5, false),
            (0.5, false),
            (0.5, false),
            (0.5, false),
            (0.3, true),
        ];
        assert!((calibrate(&clips).on - 0.65).abs() < 1e-6);
    }

    #[test]
    fn a_label_never_heard_gets_the_highest_threshold_and_a_usable_pair() {
        for clips in [&[(0.2, false)][..], &[]] {
            let chosen = calibrate(clips);
            assert_eq!(chosen.on, 0.9);
            assert!(0.0 < chosen.off && chosen.off < chosen.on);
        }
    }
}
