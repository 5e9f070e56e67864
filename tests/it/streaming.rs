//! The front end as a stream: the same samples give the same windows, bit for bit, however they are cut up, at every
//! rate; and each window stands where it says. This file holds what its tests share.

use proptest::prelude::*;

use tympan::domain::{MelWindow, SampleRate};
use tympan::features::{Arrival, Featuriser, FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};

mod chunking;
mod gaps;
mod invalid_samples;
mod rates;

/// The rates that hardware has, two that it does not, and the model's own (16 kHz), which is not resampled.
const RATES_HZ: [u32; 9] = [8_000, 11_025, 16_000, 22_050, 37_800, 44_056, 44_100, 48_000, 96_000];

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}

/// Windows of 9 frames every 4, short frames: much happens within few samples. Every band has a normaliser of its own.
fn small() -> FeaturiserSpec {
    let mel_bands = 20;
    let front_end = FrontEndSpec {
        fft_size: 256,
        taper_samples: 200,
        frame_hop_samples: 80,
        mel_bands,
        ..FrontEndSpec::standard().unwrap()
    };
    let normaliser = Normaliser {
        mean: (0..mel_bands).map(|band| -30.0 - band as f32).collect(),
        deviation: (0..mel_bands).map(|band| 10.0 + 0.5 * band as f32).collect(),
    };
    FeaturiserSpec { front_end, normaliser, window: WindowSpec { frames: 9, hop_frames: 4 } }
}

fn featuriser(source_hz: u32) -> Featuriser {
    Featuriser::new(&small(), rate(source_hz)).unwrap()
}

/// Noise that is the same for everyone who asks, and never repeats within a test.
fn noise(samples: usize) -> Vec<f32> {
    (0..samples as u32)
        .map(|index| {
            let mut bits = index.wrapping_mul(0x9E37_79B9) ^ 0x5bd1_e995;
            bits = (bits ^ (bits >> 15)).wrapping_mul(0x85EB_CA6B);
            bits = (bits ^ (bits >> 13)).wrapping_mul(0xC2B2_AE35);
            (f64::from(bits ^ (bits >> 16)) / f64::from(u32::MAX) - 0.5) as f32
        })
        .collect()
}

/// All of a window that does not depend on when it was computed; floats as bits, so that equal means equal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct WindowCopy {
    values: Vec<u32>,
    segment: u64,
    start_frame: u64,
    start_sample: u64,
    end_sample: u64,
    level: u32,
}

impl WindowCopy {
    fn of(window: &MelWindow) -> Self {
        Self {
            values: window.values.iter().map(|value| value.to_bits()).collect(),
            segment: window.segment,
            start_frame: window.start_frame,
            start_sample: window.start_sample.0,
            end_sample: window.end_sample.0,
            level: window.level_dbfs.to_bits(),
        }
    }

    /// The same window `samples` later and `segments` on.
    fn moved(mut self, samples: u64, segments: u64) -> Self {
        self.start_sample += samples;
        self.end_sample += samples;
        self.segment += segments;
        self
    }
}

/// A featuriser and all that it gave out.
struct Collector {
    featuriser: Featuriser,
    window: MelWindow,
    windows: Vec<WindowCopy>,
}

impl Collector {
    fn new(source_hz: u32) -> Self {
        let featuriser = featuriser(source_hz);
        Self { window: featuriser.empty_window(), featuriser, windows: Vec::new() }
    }

    fn push(&mut self, samples: &[f32]) {
        let Self { featuriser, window, windows } = self;
        featuriser.push(samples, Arrival::now(), &mut |mut ready| {
            ready.copy_into(window);
            windows.push(WindowCopy::of(window));
        });
    }

    fn flush(&mut self) {
        let Self { featuriser, window, windows } = self;
        featuriser.flush(&mut |mut ready| {
            ready.copy_into(window);
            windows.push(WindowCopy::of(window));
        });
    }
}

/// The windows of `samples` pushed at once and flushed.
fn windows_at_once(source_hz: u32, samples: &[f32]) -> Vec<WindowCopy> {
    let mut collector = Collector::new(source_hz);
    collector.push(samples);
    collector.flush();
    collector.windows
}

/// Windows that `samples` of a source hold: whole windows of the samples at the model's rate.
fn windows_in(source_hz: u32, samples: u64) -> u64 {
    let spec = small();
    let at_model_rate = (samples * 16_000).div_ceil(u64::from(source_hz));
    let hop = (spec.window.hop_frames * spec.front_end.frame_hop_samples) as u64;
    at_model_rate
        .checked_sub(spec.front_end.samples_of(spec.window.frames))
        .map_or(0, |rest| rest / hop + 1)
}

/// Samples of the source on each side that the resampler mixes into one of its own: 64 samples of the lower rate, and two
/// for the interpolation between filters. None where nothing is resampled.
fn filter_reach(source_hz: u32) -> u64 {
    if source_hz == 16_000 { 0 } else { (64 * u64::from(source_hz)).div_ceil(16_000).max(64) + 2 }
}

fn any_rate() -> impl Strategy<Value = u32> {
    proptest::sample::select(RATES_HZ.to_vec())
}

/// Enough cases to meet every rate several times, few enough for a slow machine.
fn cases() -> ProptestConfig {
    ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }
}
