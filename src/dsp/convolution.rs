//! A recording as a room would sound it: convolved with the room's response. For training and tests; runs where it is called.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex32;

/// Convolves `samples` with `response`, as loud as before and beginning with the response's strongest sample: the sound comes
/// neither earlier nor later than it did. What rings on behind the last sample is cut off.
///
/// # Shapes
/// Both at one rate. Returns as many samples as `samples` has.
///
/// ```
/// use tympan::dsp::convolved;
///
/// // an echo, half as strong, three samples later; the sum of squares of the response becomes 1
/// let wet = convolved(&[1.0, 0.0, 0.0, 0.0, 0.0], &[0.0, 2.0, 0.0, 0.0, 1.0]);
/// let expected = [2.0, 0.0, 0.0, 1.0, 0.0].map(|it| it / 5f32.sqrt());
/// assert!(wet.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
/// ```
pub fn convolved(samples: &[f32], response: &[f32]) -> Vec<f32> {
    let energy: f32 = response.iter().map(|value| value * value).sum();
    if energy == 0.0 || samples.is_empty() {
        return samples.to_vec();
    }
    let strongest = response.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let direct = strongest.map_or(0, |(index, _)| index);
    let size = (samples.len() + response.len()).next_power_of_two();
    let mut planner = FftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    // both are real: one transform serves the two of them, as real and imaginary part
    let mut values = vec![Complex32::default(); size];
    values.iter_mut().zip(samples).for_each(|(value, sample)| value.re = *sample);
    values.iter_mut().zip(response).for_each(|(value, sample)| value.im = *sample);
    forward.process(&mut values);
    let scale = 1.0 / (size as f32 * energy.sqrt());
    let mut products = vec![Complex32::default(); size];
    for (bin, product) in products.iter_mut().enumerate() {
        let (here, mirrored) = (values[bin], values[(size - bin) % size].conj());
        let (sound, room) =
            ((here + mirrored) * 0.5, (here - mirrored) * Complex32::new(0.0, -0.5));
        *product = sound * room * scale;
    }
    inverse.process(&mut products);
    products[direct..direct + samples.len()].iter().map(|value| value.re).collect()
}
