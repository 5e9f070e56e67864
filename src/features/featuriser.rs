//! All of the front end: samples in, windows out. Fed by the ring's consumer or a clip, feeds the scorer.

use super::source_clock::SourceClock;
use super::{
    Arrival, FeatureError, Frame, FrontEnd, FrontEndSpec, Normaliser, SlidingWindow, WindowSpec,
};
use crate::domain::{MelWindow, SampleIndex, SampleRate, StreamId};
use crate::dsp::power_to_dbfs;

/// Everything a window depends on, as a bundle gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct FeaturiserSpec {
    /// Samples → log-mel frames.
    pub front_end: FrontEndSpec,
    /// Log-mel frames → what the network was trained on.
    pub normaliser: Normaliser,
    /// Frames → windows.
    pub window: WindowSpec,
}

impl FeaturiserSpec {
    /// Source samples at `rate` that one window needs, rounded up.
    pub fn window_samples(&self, rate: SampleRate) -> u64 {
        let model_samples = self.front_end.samples_of(self.window.frames);
        (model_samples * u64::from(rate.hz()))
            .div_ceil(u64::from(self.front_end.sample_rate_hz.hz()))
    }
}

/// Turns a stream of samples into windows, bit for bit the same however the stream is cut up.
///
/// ```
/// use tympan::domain::SampleRate;
/// use tympan::features::{Arrival, Featuriser};
/// use tympan::model::Model;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Model::open("models/esc50".as_ref())?;
/// let spec = model.featuriser_spec();
/// let rate = SampleRate::new(48_000)?;
/// let mut featuriser = Featuriser::new(&spec, rate)?;
/// let mut window = featuriser.empty_window();
/// let mut windows = 0;
/// let second = vec![0.0; 48_000];
/// for _ in 0..3 {
///     featuriser.push(&second, Arrival::now(), &mut |mut ready| {
///         ready.copy_into(&mut window);
///         windows += 1;
///     });
/// }
/// assert!(windows > 0);
/// assert_eq!(window.values.len(), spec.window.frames * spec.front_end.mel_bands);
/// # Ok(())
/// # }
/// ```
pub struct Featuriser {
    front_end: FrontEnd,
    windows: WindowBuilder,
}

/// What is behind the front end; apart, so that the front end can call it while it is borrowed.
struct WindowBuilder {
    normaliser: Normaliser,
    sliding: SlidingWindow,
    clock: SourceClock,
    stream: StreamId,
    segment: u64,
    front_end: FrontEndSpec,
    window: WindowSpec,
}

/// A window that is complete, lent to the callback until it returns.
pub struct ReadyWindow<'a> {
    builder: &'a mut WindowBuilder,
}

impl ReadyWindow<'_> {
    /// Copies the window into a buffer that was made by [`Featuriser::empty_window`].
    ///
    /// # Panics
    /// When the buffer was made for windows of another size.
    ///
    /// # Real time
    /// Does not allocate.
    pub fn copy_into(&mut self, window: &mut MelWindow) {
        let (start_frame, values, mean_power) = self.builder.sliding.newest();
        window.values.copy_from_slice(values);
        window.stream = self.builder.stream;
        window.segment = self.builder.segment;
        window.start_frame = start_frame;
        window.level_dbfs = power_to_dbfs(mean_power);
        let (from, to) = self.builder.model_samples(start_frame);
        (window.start_sample, window.end_sample) = self.builder.clock.span(from, to);
        let arrival = self.builder.clock.arrival_of(window.end_sample);
        window.arrival = arrival.instant;
        window.time = arrival.time;
    }
}

impl Featuriser {
    /// Plans every step for sources of `source_rate`.
    ///
    /// # Errors
    /// [`FeatureError`] when the description cannot be computed.
    pub fn new(spec: &FeaturiserSpec, source_rate: SampleRate) -> Result<Self, FeatureError> {
        spec.normaliser.check(spec.front_end.mel_bands)?;
        Ok(Self {
            front_end: FrontEnd::new(&spec.front_end, source_rate)?,
            windows: WindowBuilder {
                normaliser: spec.normaliser.clone(),
                sliding: SlidingWindow::new(spec.window, spec.front_end.mel_bands)?,
                clock: SourceClock::new(source_rate, spec.front_end.sample_rate_hz),
                stream: StreamId::unique(),
                segment: 0,
                front_end: spec.front_end.clone(),
                window: spec.window,
            },
        })
    }

    /// A buffer of the right size for [`ReadyWindow::copy_into`].
    pub fn empty_window(&self) -> MelWindow {
        let WindowBuilder { window, front_end, stream, .. } = &self.windows;
        MelWindow { stream: *stream, ..MelWindow::zeros(window.frames, front_end.mel_bands) }
    }

    /// Takes any number of samples, the last of which came at `arrival`, and calls `on_window` with each window that
    /// they complete.
    ///
    /// # Real time
    /// Does not allocate.
    pub fn push(
        &mut self,
        samples: &[f32],
        arrival: Arrival,
        on_window: &mut dyn FnMut(ReadyWindow<'_>),
    ) {
        let Self { front_end, windows } = self;
        windows.clock.push(samples.len(), arrival);
        front_end.push(samples, &mut |frame| windows.push(frame, on_window));
    }

    /// Ends the source: windows that the resampler still held come out, none that would need samples after the end.
    pub fn flush(&mut self, on_window: &mut dyn FnMut(ReadyWindow<'_>)) {
        let Self { front_end, windows } = self;
        front_end.flush(&mut |frame| windows.push(frame, on_window));
        self.skip(0);
    }

    /// Begins anew after a gap of `lost` samples: no window spans it.
    pub fn skip(&mut self, lost: u64) {
        self.front_end.reset();
        self.windows.sliding.reset();
        self.windows.clock.skip(lost);
        self.windows.segment += 1;
    }

    /// Begins anew with a source that came back, perhaps at another rate: its first sample is number `start`.
    ///
    /// # Errors
    /// [`FeatureError`] when the description cannot be computed at this rate.
    pub fn resume(
        &mut self,
        source_rate: SampleRate,
        start: SampleIndex,
    ) -> Result<(), FeatureError> {
        let WindowBuilder { front_end, clock, sliding, segment, .. } = &mut self.windows;
        self.front_end = FrontEnd::new(front_end, source_rate)?;
        *clock = SourceClock::new(source_rate, front_end.sample_rate_hz);
        clock.skip(start.0);
        sliding.reset();
        *segment += 1;
        Ok(())
    }

    /// A featuriser for the same source by another description, whose first sample is `start`.
    ///
    /// # Errors
    /// [`FeatureError`] when the description cannot be computed at the source's rate.
    pub fn with_spec(
        &self,
        spec: &FeaturiserSpec,
        start: SampleIndex,
    ) -> Result<Self, FeatureError> {
        let mut featuriser = Self::new(spec, self.windows.clock.source_rate())?;
        featuriser.windows.clock.skip(start.0);
        Ok(featuriser)
    }

    /// One past the last sample pushed or skipped.
    pub fn end(&self) -> SampleIndex {
        self.windows.clock.end()
    }

    /// Samples that still have to come before the next window can be complete, within the millisecond of a block of the
    /// resampler.
    pub fn samples_to_next_window(&self) -> u64 {
        let (_, to) = self.windows.model_samples(self.windows.sliding.next_start());
        self.windows.clock.missing(to, self.front_end.look_ahead())
    }

    /// Samples that were not finite, or absurdly large, and counted as zero.
    pub fn samples_repaired(&self) -> u64 {
        self.front_end.samples_repaired()
    }
}

impl WindowBuilder {
    /// The model's samples of this segment that the window from `start_frame` on stands for.
    fn model_samples(&self, start_frame: u64) -> (u64, u64) {
        let from = start_frame * self.front_end.frame_hop_samples as u64;
        (from, from + self.front_end.samples_of(self.window.frames))
    }

    fn push(&mut self, frame: Frame<'_>, on_window: &mut dyn FnMut(ReadyWindow<'_>)) {
        let normaliser = &self.normaliser;
        let ready = self.sliding.push(frame.mean_power, |values| {
            normaliser.apply_into(frame.log_mel, values);
        });
        if ready {
            on_window(ReadyWindow { builder: self });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn featuriser(hz: u32) -> Featuriser {
        let front_end = FrontEndSpec::standard().unwrap();
        let normaliser = Normaliser {
            mean: vec![0.0; front_end.mel_bands],
            deviation: vec![1.0; front_end.mel_bands],
        };
        let window = WindowSpec { frames: 10, hop_frames: 4 };
        let spec = FeaturiserSpec { front_end, normaliser, window };
        Featuriser::new(&spec, SampleRate::new(hz).unwrap()).unwrap()
    }

    fn windows_of(featuriser: &mut Featuriser, samples: u64) -> usize {
        let mut windows = 0;
        let silence = vec![0.0; usize::try_from(samples).unwrap()];
        featuriser.push(&silence, Arrival::now(), &mut |_| windows += 1);
        windows
    }

    #[test]
    fn the_next_window_is_predicted_to_the_sample() {
        let mut featuriser = featuriser(16_000);
        for round in 0..20 {
            let missing = featuriser.samples_to_next_window();
            assert_eq!(windows_of(&mut featuriser, missing - 1), 0, "round {round}");
            assert_eq!(windows_of(&mut featuriser, 1), 1, "round {round}");
            if round == 10 {
                featuriser.skip(1234);
            }
        }
    }

    #[test]
    fn with_a_resampler_the_next_window_is_predicted_to_the_millisecond() {
        let mut featuriser = featuriser(44_100);
        for round in 0..20 {
            let missing = featuriser.samples_to_next_window();
            assert_eq!(windows_of(&mut featuriser, missing - 44), 0, "round {round}");
            assert_eq!(windows_of(&mut featuriser, 44 + 44), 1, "round {round}");
        }
    }
}
