//! Where in a clip there is sound: published clips are padded with silence. Feeds the scene's truth and its levels.

use std::time::Duration;

use crate::domain::Clip;

/// Length of the pieces whose power is looked at.
const BLOCK: Duration = Duration::from_millis(20);

/// A block sounds when it has at least this share of the loudest block's power: 20 dB below. In a scene that is at or
/// under the background for all but the clearest clips.
const SHARE: f64 = 0.01;

/// And at least this power, −70 dBFS: what the daemon takes for silence.
const SILENCE: f64 = 1e-7;

/// The part of a clip that sounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundingPart {
    /// First sample of the first block that sounds.
    pub start: usize,
    /// One past the last sample of the last block that sounds. There may be silence between.
    pub end: usize,
    /// Mean power of the blocks that sound, without the silence between, full scale being 1: the level a listener would
    /// give it, as the active level of ITU-T P.56 is.
    pub mean_power: f64,
}

/// Finds it, in blocks of 20 ms that are at most 20 dB below the loudest and not below −70 dBFS; none in a silent clip.
pub fn sounding_part(clip: &Clip) -> Option<SoundingPart> {
    let block = usize::try_from(clip.sample_rate.samples_in(BLOCK)).unwrap_or(1).max(1);
    let powers: Vec<f64> = clip.samples.chunks(block).map(mean_power).collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let enough = (loudest * SHARE).max(SILENCE);
    let sounds = |power: &f64| *power >= enough;
    let first = powers.iter().position(sounds)?;
    let last = powers.iter().rposition(sounds)?;
    let (mut energy, mut samples) = (0.0, 0.0);
    for (power, block) in powers.iter().zip(clip.samples.chunks(block)) {
        if sounds(power) {
            energy += power * block.len() as f64;
            samples += block.len() as f64;
        }
    }
    Some(SoundingPart {
        start: first * block,
        end: ((last + 1) * block).min(clip.samples.len()),
        mean_power: energy / samples,
    })
}

/// Mean of the squares, what is not finite counting as silence; zero of nothing.
pub(super) fn mean_power(samples: &[f32]) -> f64 {
    let square = |sample: &f32| {
        let square = f64::from(*sample).powi(2);
        if square.is_finite() { square } else { 0.0 }
    };
    samples.iter().map(square).sum::<f64>() / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SampleRate;

    fn clip(parts: &[(usize, f32)]) -> Clip {
        let samples = parts.iter().flat_map(|&(samples, value)| vec![value; samples]).collect();
        Clip { sample_rate: SampleRate::new(16_000).unwrap(), samples }
    }

    #[test]
    fn silence_around_a_sound_is_left_out_and_a_pause_within_does_not_lower_its_level() {
        let clip = clip(&[(3_200, 0.0), (640, 0.5), (1_600, 0.01), (320, 0.5), (5_000, 0.0)]);
        let part = sounding_part(&clip).unwrap();
        assert_eq!((part.start, part.end), (3_200, 3_200 + 640 + 1_600 + 320));
        assert!((part.mean_power - 0.25).abs() < 1e-9);
    }

    #[test]
    fn a_silent_or_empty_clip_has_none() {
        assert_eq!(sounding_part(&clip(&[(16_000, 1e-4)])), None);
        assert_eq!(sounding_part(&clip(&[])), None);
    }

    #[test]
    fn a_part_block_at_the_end_counts_as_long_as_it_is() {
        let part = sounding_part(&clip(&[(320, 0.0), (100, 0.2)])).unwrap();
        assert_eq!((part.start, part.end), (320, 420));
        assert!((part.mean_power - 0.04).abs() < 1e-6);
    }
}
