//! The front end against librosa: what `tests/golden/mel_*.json` holds, computed here again. Those files are written by
//! `scripts/golden.py`, which names its versions; nothing of it runs here.
//!
//! Tolerances: samples of the test signal 1e-7 (they are of order 1, one rounding to f32 is 6e-8); taper 1e-7, and its sum
//! relative to itself; filter bank 1e-6 relative; log-mel 1e-3 dB, while librosa computed in f64 and the front end in f32.

use std::f64::consts::PI;
use std::path::PathBuf;

use serde::Deserialize;

use tympan::domain::SampleRate;
use tympan::dsp::{MelFilterBank, MelNorm, MelScale, hann};
use tympan::features::{Framing, FrontEnd, FrontEndSpec, LogScale};

/// Least number of settings: fewer means that files were lost, not that all is well.
const SETTINGS: usize = 4;

#[derive(Deserialize)]
struct Golden {
    front_end: Settings,
    signal: Signal,
    taper: Taper,
    filter_bank: FilterBank,
    frames: usize,
    /// `[frames, mel_bands]`
    log_mel_db: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Settings {
    sample_rate_hz: u32,
    fft_samples: usize,
    taper_samples: usize,
    hop_samples: usize,
    mel_bands: usize,
    low_hz: f64,
    high_hz: f64,
    mel_scale: MelScale,
    mel_norm: MelNorm,
    amin: f32,
}

#[derive(Deserialize)]
struct Signal {
    samples: usize,
    tones: Vec<Tone>,
    chirp: Chirp,
    noise: Noise,
    quiet: f64,
    first_samples: Vec<f64>,
    last_samples: Vec<f64>,
}

#[derive(Deserialize)]
struct Tone {
    hz: f64,
    amplitude: f64,
}

#[derive(Deserialize)]
struct Chirp {
    from_hz: f64,
    hz_per_second: f64,
    amplitude: f64,
}

#[derive(Deserialize)]
struct Noise {
    multiplier: u64,
    increment: u64,
    seed: u64,
    amplitude: f64,
}

#[derive(Deserialize)]
struct Taper {
    first: Vec<f64>,
    middle: f64,
    sum: f64,
}

#[derive(Deserialize)]
struct FilterBank {
    sums: Vec<f64>,
    probes: Vec<Probe>,
}

#[derive(Deserialize)]
struct Probe {
    band: usize,
    bin: usize,
    weight: f64,
}

impl Golden {
    fn all() -> Vec<(PathBuf, Self)> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let mut all: Vec<(PathBuf, Self)> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("mel_"))
            .map(|path| {
                let text = std::fs::read_to_string(&path).unwrap();
                let golden = serde_json::from_str(&text).unwrap();
                (path, golden)
            })
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        assert!(all.len() >= SETTINGS, "{}: only {} files", folder.display(), all.len());
        all
    }

    fn spec(&self) -> FrontEndSpec {
        let from = &self.front_end;
        FrontEndSpec {
            revision: FrontEndSpec::REVISION,
            sample_rate_hz: SampleRate::new(from.sample_rate_hz).unwrap(),
            fft_size: from.fft_samples,
            taper_samples: from.taper_samples,
            frame_hop_samples: from.hop_samples,
            framing: Framing::Uncentred,
            mel_bands: from.mel_bands,
            mel_low_hz: from.low_hz,
            mel_high_hz: from.high_hz,
            mel_scale: from.mel_scale,
            mel_norm: from.mel_norm,
            log_scale: LogScale::Decibel,
            log_floor: from.amin,
            ..FrontEndSpec::standard().unwrap()
        }
    }

    /// The signal that `formula` in the file describes.
    fn samples(&self) -> Vec<f32> {
        let Signal { tones, chirp, noise, quiet, .. } = &self.signal;
        let mut state = noise.seed;
        (0..self.signal.samples)
            .map(|i| {
                let t = i as f64 / f64::from(self.front_end.sample_rate_hz);
                state = (state * noise.multiplier + noise.increment) % (1 << 32);
                let mut x = 0.0;
                for tone in tones {
                    x += tone.amplitude * (2.0 * PI * tone.hz * t).sin();
                }
                let turns = chirp.from_hz * t + 0.5 * chirp.hz_per_second * t * t;
                x += chirp.amplitude * (2.0 * PI * turns).sin();
                x += noise.amplitude * (state as f64 / 2f64.powi(31) - 1.0);
                if i >= self.signal.samples / 2 {
                    x *= quiet;
                }
                x as f32
            })
            .collect()
    }
}

fn assert_near(what: &str, found: f64, expected: f64, tolerance: f64) {
    let off = (found - expected).abs();
    assert!(off <= tolerance, "{what}: {found}, but librosa has {expected}: off by {off}");
}

#[test]
fn the_test_signal_is_the_one_librosa_was_given() {
    for (path, golden) in Golden::all() {
        let samples = golden.samples();
        let Signal { first_samples, last_samples, .. } = &golden.signal;
        let tail = samples.len() - last_samples.len();
        let ends =
            samples.iter().zip(first_samples).chain(samples[tail..].iter().zip(last_samples));
        for (&found, &expected) in ends {
            assert_near(&path.display().to_string(), f64::from(found), expected, 1e-7);
        }
    }
}

#[test]
fn the_taper_is_that_of_librosa() {
    for (path, golden) in Golden::all() {
        let Settings { taper_samples, fft_samples, .. } = golden.front_end;
        let padded = hann(taper_samples, fft_samples);
        let before = (fft_samples - taper_samples) / 2;
        let taper = &padded[before..before + taper_samples];
        let what = format!("{}: taper", path.display());
        for (&found, &expected) in taper.iter().zip(&golden.taper.first) {
            assert_near(&what, f64::from(found), expected, 1e-7);
        }
        assert_near(&what, f64::from(taper[taper_samples / 2]), golden.taper.middle, 1e-7);
        let sum: f64 = taper.iter().copied().map(f64::from).sum();
        assert_near(&what, sum, golden.taper.sum, 1e-7 * golden.taper.sum);
        let around: f32 = padded[..before].iter().chain(&padded[before + taper_samples..]).sum();
        assert_eq!(around, 0.0, "{what}");
    }
}

#[test]
fn the_filter_bank_is_that_of_librosa() {
    for (path, golden) in Golden::all() {
        let bank = MelFilterBank::new(&golden.spec().filter_bank()).unwrap();
        assert_eq!(golden.filter_bank.sums.len(), golden.front_end.mel_bands);
        for (band, &expected) in golden.filter_bank.sums.iter().enumerate() {
            let bins = 0..=golden.front_end.fft_samples / 2;
            let sum: f64 = bins.map(|bin| f64::from(bank.weight(band, bin))).sum();
            let what = format!("{}: sum of band {band}", path.display());
            assert_near(&what, sum, expected, 1e-6 * expected);
        }
        for &Probe { band, bin, weight } in &golden.filter_bank.probes {
            let what = format!("{}: bin {bin} of band {band}", path.display());
            assert_near(&what, f64::from(bank.weight(band, bin)), weight, 1e-6 * weight);
        }
    }
}

#[test]
fn log_mel_frames_are_those_of_librosa() {
    for (path, golden) in Golden::all() {
        let spec = golden.spec();
        let mut front_end = FrontEnd::new(&spec, spec.sample_rate_hz).unwrap();
        let mut frames: Vec<Vec<f32>> = Vec::new();
        front_end.push(&golden.samples(), &mut |frame| frames.push(frame.log_mel.to_vec()));
        assert_eq!(frames.len(), golden.frames, "{}: frames", path.display());
        assert_eq!(frames.len(), golden.log_mel_db.len());
        for (frame, (found, expected)) in frames.iter().zip(&golden.log_mel_db).enumerate() {
            assert_eq!(found.len(), expected.len());
            for (band, (&found, &expected)) in found.iter().zip(expected).enumerate() {
                let what = format!("{}: frame {frame}, band {band}, dB", path.display());
                assert_near(&what, f64::from(found), expected, 1e-3);
            }
        }
    }
}
