//! Several channels to one. Called by whatever delivers samples, the audio callback included.

/// A sample beyond this, 60 dB above full scale, is no sound: bytes taken for the wrong format, or memory that nobody filled.
const MAX_SAMPLE: f32 = 1000.0;

/// Whether a sample can be sound: a number, and not more than 60 dB above full scale.
pub fn is_sound(sample: f32) -> bool {
    // written so that NaN fails
    sample.abs() <= MAX_SAMPLE
}

/// The mean of a frame's channels. Channels that are not finite or no sound otherwise ([`is_sound`]) are left out, so that a broken one
/// does not silence the others; their count comes second. If all are, the mean is no number either.
///
/// # Real time
/// Does not allocate.
pub fn downmix(frame: impl ExactSizeIterator<Item = f32> + Clone) -> (f32, u64) {
    let channels = frame.len();
    let sum: f32 = frame.clone().sum();
    if channels == 1 || is_sound(sum) {
        return (sum * (1.0 / channels as f32), 0);
    }
    let (mut good, mut count) = (0.0f32, 0);
    for sample in frame.filter(|&sample| is_sound(sample)) {
        good += sample;
        count += 1;
    }
    match count {
        0 => (sum * (1.0 / channels as f32), 0),
        count => (good * (1.0 / count as f32), (channels - count) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_channel_is_left_out_and_counted() {
        let mean = |frame: &[f32]| downmix(frame.iter().copied());
        assert_eq!(mean(&[0.5, -0.25]), (0.125, 0));
        assert_eq!(mean(&[0.5, f32::NAN, 0.25, f32::INFINITY]), (0.375, 2));
        assert_eq!(mean(&[1e30, 0.5]), (0.5, 1));
        assert_eq!(mean(&[900.0, 900.0]), (900.0, 0));
        assert!(mean(&[f32::NAN, f32::NAN]).0.is_nan() && mean(&[f32::NAN]).0.is_nan());
        let mut many = [0.25; 256];
        many[7] = f32::NAN;
        assert_eq!(mean(&many), (0.25, 1));
    }
}
