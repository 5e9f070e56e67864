//! Rate conversion of a stream, from the source's rate to the model's. Fed by the front end, feeds the STFT; runs on the
//! feature thread.

use std::borrow::Cow;

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use super::DspError;
use crate::domain::{Clip, SampleRate, is_sound};

/// Length of the sinc in samples of the lower of the two rates: a delay of half of that, 4 ms at 16 kHz.
const TAPS_AT_LOWER_RATE: u64 = 128;

/// Where the filter's response is at half, as a share of the lower Nyquist frequency.
///
/// With that many taps and a Blackman-Harris window it falls by 0.1 dB up to 0.9375 of that frequency, 7.5 kHz at 16 kHz,
/// where the standard front end's highest band ends, and by 110 dB from 1.0375 of it on: what aliases all comes down
/// above 0.9625, 7.7 kHz. The library's own `calculate_cutoff`, 0.9375, puts the end of that fall at the Nyquist
/// frequency itself, and the highest band 6 dB down.
const CUTOFF: f32 = 0.975;

/// Up to as many places between two input samples the filter is laid out for exactly. 160 serve 44.1 to 16 kHz, 640 all
/// other rates that sound devices have; they take 320 kB.
const EXACT_PHASES: u64 = 640;

/// A band-limited resampler whose output does not depend on how its input was cut up.
///
/// The library works in blocks of a fixed length, so this cuts the input into the same blocks whatever the caller's
/// chunks are. Output sample `m` stands at input sample `m · from / to`: the filter's delay is taken off, to the sample,
/// by leading zeros that bring the library's grid of output positions onto sample 0.
///
/// ```
/// use tympan::domain::SampleRate;
/// use tympan::dsp::Resampler;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut resampler = Resampler::new(SampleRate::new(48_000)?, SampleRate::new(16_000)?)?;
/// let mut output = Vec::new();
/// for chunk in vec![0.5; 48_000].chunks(1_234) {
///     resampler.push(chunk, &mut |samples| output.extend_from_slice(samples));
/// }
/// resampler.flush(&mut |samples| output.extend_from_slice(samples));
/// assert_eq!(output.len(), 16_000);
/// # Ok(())
/// # }
/// ```
pub struct Resampler {
    inner: Async<f32>,
    from: SampleRate,
    to: SampleRate,
    block: Vec<f32>,
    filled: usize,
    output: Vec<f32>,
    look_ahead: u64,
    leading_zeros: u64,
    /// Output samples of the leading zeros and the filter's delay.
    delay: u64,
    delay_left: u64,
    pushed: u64,
    produced: u64,
}

impl Resampler {
    /// Designs the filter.
    ///
    /// # Errors
    /// [`DspError::Resampler`] when the library refuses the ratio.
    pub fn new(from: SampleRate, to: SampleRate) -> Result<Self, DspError> {
        let refused =
            |reason: String| DspError::Resampler { from_hz: from.hz(), to_hz: to.hz(), reason };
        let (from_hz, to_hz) = (u64::from(from.hz()), u64::from(to.hz()));
        // the library's inner loop takes eight taps at a time
        let taps = (TAPS_AT_LOWER_RATE * from_hz.max(to_hz) / to_hz).next_multiple_of(8);
        let window = WindowFunction::BlackmanHarris;
        // Output samples only ever stand at as many places between two input samples as there are in `to` in lowest terms.
        // With the filter known at each of them there is nothing to interpolate, which would take four times as long.
        let divisor = gcd(from_hz, to_hz);
        let phases = to_hz / divisor;
        let exact = phases <= EXACT_PHASES;
        let (oversampling, interpolation) = if exact {
            (phases, SincInterpolationType::Nearest)
        } else {
            (256, SincInterpolationType::Cubic)
        };
        let whole = |count: u64| usize::try_from(count).map_err(|error| refused(error.to_string()));
        let parameters = SincInterpolationParameters::new(whole(taps)?, window)
            .f_cutoff(CUTOFF)
            .oversampling_factor(whole(oversampling)?)
            .interpolation(interpolation);
        // one millisecond: adds little to the latency, and keeps the calls few
        let block = (from.hz() as usize / 1000).max(8);
        let ratio = f64::from(to.hz()) / f64::from(from.hz());
        let inner = Async::new_sinc(ratio, 1.0, &parameters, block, 1, FixedAsync::Input)
            .map_err(|error| refused(error.to_string()))?;
        // Output k of rubato 5.0 stands at input position ((k + 1)·step + lead) / phases − taps/2, all in lowest terms: its
        // filters are laid out one place early, which is nothing among 256. After `leading_zeros` zeros there is a whole
        // k at sample 0.
        let step = from_hz / divisor;
        let lead = u64::from(exact);
        let leading_zeros = (0..step)
            .find(|zeros| (phases * (taps / 2 + zeros)) % step == lead % step)
            .expect("invariant: step and phases have no common divisor");
        let mut resampler = Self {
            look_ahead: taps / 2,
            leading_zeros,
            delay: (phases * (taps / 2 + leading_zeros) - lead) / step - 1,
            output: vec![0.0; inner.output_frames_max()],
            inner,
            from,
            to,
            block: vec![0.0; block],
            filled: 0,
            delay_left: 0,
            pushed: 0,
            produced: 0,
        };
        resampler.reset();
        Ok(resampler)
    }

    /// Takes any number of samples and calls `on_output` with what they complete.
    ///
    /// # Real time
    /// Does not allocate.
    pub fn push(&mut self, mut samples: &[f32], on_output: &mut dyn FnMut(&[f32])) {
        self.pushed += samples.len() as u64;
        while !samples.is_empty() {
            let room = self.block.len() - self.filled;
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.block[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            samples = later;
            if self.filled == self.block.len() {
                self.filled = 0;
                self.convert_block(u64::MAX, on_output);
            }
        }
    }

    /// Input samples after the one at an output's place that the filter reaches to.
    pub fn look_ahead(&self) -> u64 {
        self.look_ahead
    }

    /// Ends the stream: gives out the rest, as if silence followed. The output is then `ceil(pushed · to / from)` long.
    pub fn flush(&mut self, on_output: &mut dyn FnMut(&[f32])) {
        let whole = (u128::from(self.pushed) * u128::from(self.to.hz()))
            .div_ceil(u128::from(self.from.hz()));
        let whole = u64::try_from(whole).unwrap_or(u64::MAX);
        while self.produced < whole {
            self.block[self.filled..].fill(0.0);
            self.filled = 0;
            self.convert_block(whole, on_output);
        }
        self.reset();
    }

    fn convert_block(&mut self, up_to: u64, on_output: &mut dyn FnMut(&[f32])) {
        let output_frames = self.output.len();
        let input = SequentialSlice::new(self.block.as_slice(), 1, self.block.len())
            .expect("invariant: the slice is as long as it says");
        let mut output = SequentialSlice::new_mut(self.output.as_mut_slice(), 1, output_frames)
            .expect("invariant: the slice is as long as it says");
        let (_, frames) = self
            .inner
            .process_into_buffer(&input, &mut output, None)
            .expect("invariant: block and output have the lengths the resampler asked for");
        let skipped = usize::try_from(self.delay_left).map_or(frames, |left| left.min(frames));
        self.delay_left -= skipped as u64;
        let wanted = usize::try_from(up_to - self.produced).unwrap_or(usize::MAX);
        let kept = &self.output[skipped..frames];
        let kept = &kept[..kept.len().min(wanted)];
        self.produced += kept.len() as u64;
        if !kept.is_empty() {
            on_output(kept);
        }
    }

    /// Forgets all samples, as if new.
    pub fn reset(&mut self) {
        self.inner.reset();
        self.filled = 0;
        self.delay_left = self.delay;
        self.produced = 0;
        for _ in 0..self.leading_zeros {
            self.push(&[0.0], &mut |_| {});
        }
        self.pushed = 0;
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The clip at another rate: itself where that is its own. It begins at the same instant, to the sample; what is no sound
/// counts as zero, as in the front end, for it would spoil the filter's whole reach.
///
/// # Errors
/// [`DspError`] when the library refuses the ratio.
pub fn resample_clip(clip: &Clip, rate: SampleRate) -> Result<Cow<'_, Clip>, DspError> {
    if clip.sample_rate == rate {
        return Ok(Cow::Borrowed(clip));
    }
    let mut resampler = Resampler::new(clip.sample_rate, rate)?;
    let mut samples = Vec::new();
    let repaired = |&sample: &f32| if is_sound(sample) { sample } else { 0.0 };
    let whole: Vec<f32> = clip.samples.iter().map(repaired).collect();
    resampler.push(&whole, &mut |out| samples.extend_from_slice(out));
    resampler.flush(&mut |out| samples.extend_from_slice(out));
    Ok(Cow::Owned(Clip { sample_rate: rate, samples }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    #[test]
    fn a_tone_keeps_its_place_and_size_at_every_rate() {
        for from_hz in [8_000, 11_025, 22_050, 32_000, 44_100, 47_999, 48_000, 96_000] {
            let tone = |hz: u32, count: usize| -> Vec<f32> {
                (0..count)
                    .map(|i| (2.0 * std::f64::consts::PI * 440.0 * i as f64 / f64::from(hz)).sin())
                    .map(|sample| sample as f32)
                    .collect()
            };
            let mut resampler = Resampler::new(rate(from_hz), rate(16_000)).unwrap();
            let mut output = Vec::new();
            resampler.push(&tone(from_hz, from_hz as usize), &mut |out| {
                output.extend_from_slice(out);
            });
            resampler.flush(&mut |out| output.extend_from_slice(out));
            assert_eq!(output.len(), 16_000);
            let worst = output
                .iter()
                .zip(tone(16_000, 16_000))
                .skip(400)
                .take(15_200)
                .map(|(got, want)| (got - want).abs())
                .fold(0.0, f32::max);
            // only what cannot be laid out exactly is interpolated
            let tolerated = if from_hz == 47_999 { 5e-4 } else { 5e-5 };
            assert!(worst < tolerated, "{from_hz} Hz: off by {worst}");
        }
    }

    #[test]
    fn what_lies_above_the_new_nyquist_frequency_is_gone() {
        let mut resampler = Resampler::new(rate(48_000), rate(16_000)).unwrap();
        let high: Vec<f32> = (0..48_000)
            .map(|i| (2.0 * std::f64::consts::PI * 9_000.0 * f64::from(i) / 48_000.0).sin() as f32)
            .collect();
        let mut worst = 0.0f32;
        let mut seen = 0;
        resampler.push(&high, &mut |out| {
            for &sample in out {
                seen += 1;
                if seen > 400 {
                    worst = worst.max(sample.abs());
                }
            }
        });
        assert!(worst < 1e-4, "{worst}");
    }
}
