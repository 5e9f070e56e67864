//! The taper that each frame is multiplied with. Made once by the STFT.

use std::f64::consts::PI;

/// A periodic Hann taper of `taper_samples`, centred in a frame of `fft_size` and zero around it.
///
/// # Shapes
/// Returns `[fft_size]`.
///
/// # Source
/// `w[n] = (1 − cos(2πn/N)) / 2`, as `scipy.signal.get_window("hann", N, fftbins=True)`; the centring is that of
/// librosa 0.11 `util.pad_center`.
pub fn hann(taper_samples: usize, fft_size: usize) -> Vec<f32> {
    let mut taper = vec![0.0; fft_size];
    let start = (fft_size - taper_samples) / 2;
    for (index, weight) in taper[start..start + taper_samples].iter_mut().enumerate() {
        let phase = 2.0 * PI * index as f64 / taper_samples as f64;
        *weight = (0.5 - 0.5 * phase.cos()) as f32;
    }
    taper
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_periodic_and_centred() {
        let taper = hann(4, 8);
        assert_eq!(taper, [0.0, 0.0, 0.0, 0.5, 1.0, 0.5, 0.0, 0.0]);
    }
}
