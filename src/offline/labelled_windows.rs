//! The one rule of which windows of a clip carry its label. Called by the training and the evaluation alike.

use crate::dsp::FLOOR_DBFS;

/// A window this much quieter than its clip's loudest does not carry the clip's label: a tenth of a sound's energy is its
/// edge.
const EDGE_DB: f32 = 10.0;

/// Nor does one below this: published clips are padded with silence.
const SILENCE_DBFS: f32 = -70.0;

/// Which windows of a clip carry its label: those within 10 dB of its loudest and not below −70 dBFS; all of them where
/// the whole clip is as silent as that. At least the loudest does.
///
/// # Shapes
/// `levels_dbfs` and the answer: `[windows]`.
///
/// # Units
/// Mean power of each window, in decibels of full scale.
pub fn labelled_windows(levels_dbfs: &[f32]) -> Vec<bool> {
    let loudest = levels_dbfs.iter().copied().fold(FLOOR_DBFS, f32::max);
    let enough = if loudest < SILENCE_DBFS {
        f32::NEG_INFINITY
    } else {
        (loudest - EDGE_DB).max(SILENCE_DBFS)
    };
    levels_dbfs.iter().map(|&level| level >= enough).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_the_edges_of_a_sound_carry_no_label() {
        let levels = [-120.0, -31.0, -30.0, -20.0, -29.0, -50.0];
        assert_eq!(labelled_windows(&levels), [false, false, true, true, true, false]);
        assert_eq!(labelled_windows(&[-65.0, -70.0, -71.0]), [true, true, false]);
    }

    #[test]
    fn all_windows_of_a_silent_clip_carry_its_label() {
        assert_eq!(labelled_windows(&[-120.0, -90.0, -75.0]), [true; 3]);
        assert!(labelled_windows(&[]).is_empty());
    }
}
