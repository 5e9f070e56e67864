//! What a few seconds of audio show of the microphone: silent, too low, humming, clipping, off centre. Measures what was
//! captured; makes four findings.

use std::sync::Arc;
use std::time::Duration;

use super::Finding;
use super::hum::Hum;
use crate::domain::Clip;
use crate::dsp::{DspError, FLOOR_DBFS, power_to_dbfs};
use crate::live::{InputLevel, InputMeter};
use crate::offline::loudness_lufs;

/// A constant part of the signal of 1 % of full scale: what good converters have is a hundred times smaller.
const MAX_OFFSET: f64 = 0.01;

/// A hum below this does not matter: windows as quiet as that count as silence by default.
const MIN_HUM_DBFS: f32 = -70.0;
/// Nor does one that is so far below the sound.
const MAX_HUM_DISTANCE_DB: f32 = 20.0;

/// One sample in so many in flat tops is clipping: as in the daemon's state of that name.
const SAMPLES_FOR_A_CLIPPED_ONE: u64 = 1_000;

/// The level that counts is that of the loudest stretch of this length.
const STRETCH: Duration = Duration::from_secs(1);

/// Where inputs are switched on, and turned up and down.
const MIXERS: &str = "alsamixer, F4 for capture; pavucontrol; or the device's knob";

/// What was measured of some audio.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelMeasurement {
    /// Samples measured.
    samples: u64,
    /// Samples up to the end that were exactly zero.
    zero_run: u64,
    /// Samples up to the end that were a flat line.
    flat_run: u64,
    /// Samples in flat tops at full scale.
    clipped: u64,
    /// Mean power of all of it, without the offset.
    level_dbfs: f32,
    /// The same of the loudest second.
    loudest_dbfs: f32,
    /// The largest sample, offset included.
    peak_dbfs: f32,
    /// Loudness by EBU R 128; none of what is too quiet for one.
    loudness_lufs: Option<f64>,
    /// The mean of the samples; full scale is 1.
    offset: f64,
    hum: Option<Hum>,
}

impl LevelMeasurement {
    /// Measures a clip. Samples that are no numbers count as zero.
    ///
    /// # Errors
    /// [`DspError`] when it cannot be resampled.
    pub fn new(mut clip: Clip) -> Result<Self, DspError> {
        for sample in clip.samples.iter_mut().filter(|sample| !sample.is_finite()) {
            *sample = 0.0;
        }
        let level = Arc::new(InputLevel::default());
        InputMeter::new(Arc::clone(&level)).update(&clip.samples);
        let peak = clip.samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        let sum = clip.samples.iter().map(|&sample| f64::from(sample)).sum::<f64>();
        let offset = sum / clip.samples.len().max(1) as f64;
        for sample in &mut clip.samples {
            *sample -= offset as f32;
        }
        let stretch = usize::try_from(clip.sample_rate.samples_in(STRETCH)).unwrap_or(usize::MAX);
        let level_dbfs = mean_power_dbfs(&clip.samples);
        // a rest of less than half the length has no say
        let stretches = clip.samples.chunks(stretch).filter(|part| part.len() > stretch / 2);
        let loudest_dbfs = stretches.map(mean_power_dbfs).fold(level_dbfs, f32::max);
        Ok(Self {
            samples: level.samples.get(),
            zero_run: level.zero_run(),
            flat_run: level.flat_run(),
            clipped: level.clipped.get(),
            level_dbfs,
            loudest_dbfs,
            peak_dbfs: power_to_dbfs(peak * peak),
            loudness_lufs: loudness_lufs(&clip),
            offset,
            hum: Hum::measure(&clip)?,
        })
    }

    /// Level, hum, clipping and offset. Below `min_level_dbfs`, the detector takes a window for silence.
    pub fn findings(&self, min_level_dbfs: f32) -> Vec<Finding> {
        let level = self.level(min_level_dbfs);
        if self.is_flat() {
            // nothing else can be measured of a line
            return vec![level];
        }
        vec![level, self.hum(), self.clipping(), self.offset()]
    }

    fn is_flat(&self) -> bool {
        // the meter begins a new run with the sample that leaves the old one
        self.flat_run == self.samples
    }

    fn level(&self, min_level_dbfs: f32) -> Finding {
        const CHECK: &str = "level";
        if self.zero_run == self.samples {
            let found = "dead: every sample is exactly zero";
            let advice = format!(
                "unmute the input ({MIXERS}), or choose another one (tympan devices); a virtual device needs a \
                 program that plays into it"
            );
            return Finding::failure(CHECK, found, advice);
        }
        if self.is_flat() {
            let found = format!("dead: a flat line at {:+.4}", self.offset);
            let advice = "plug the microphone in, switch it and its phantom power on, or choose another input";
            return Finding::failure(CHECK, found, advice);
        }
        let loudness = match self.loudness_lufs {
            Some(loudness) => format!("{loudness:.1} LUFS"),
            None => "too quiet for a loudness".to_owned(),
        };
        let found = format!(
            "{:.1} dBFS, {:.1} in the loudest second, peak {:.1}, {loudness}",
            self.level_dbfs, self.loudest_dbfs, self.peak_dbfs
        );
        if self.loudest_dbfs < min_level_dbfs {
            let advice = format!(
                "make some noise while it runs; if it stays so, raise the gain ({MIXERS}), or lower min_level_dbfs, \
                 which is {min_level_dbfs}: windows below it count as silence"
            );
            return Finding::warning(CHECK, format!("too low: {found}"), advice);
        }
        Finding::ok(CHECK, found)
    }

    fn hum(&self) -> Finding {
        const CHECK: &str = "hum";
        let Some(Hum { mains_hz, level_dbfs }) = self.hum else {
            return Finding::ok(CHECK, "no hum at 50 or 60 Hz");
        };
        let found = format!("{mains_hz} Hz and multiples at {level_dbfs:.1} dBFS");
        if level_dbfs < MIN_HUM_DBFS || level_dbfs < self.level_dbfs - MAX_HUM_DISTANCE_DB {
            return Finding::ok(CHECK, format!("{found}, too low to matter"));
        }
        let advice = "use a balanced or shorter cable away from mains and power supplies, run a laptop from its \
                      battery, or feed both devices from one socket (ground loop)";
        Finding::warning(CHECK, found, advice)
    }

    fn clipping(&self) -> Finding {
        const CHECK: &str = "clipping";
        let found = match self.clipped {
            0 => format!("none; the peak is {:.1} dBFS", self.peak_dbfs),
            clipped => {
                format!("{clipped} of {} samples are in flat tops at full scale", self.samples)
            }
        };
        if self.clipped * SAMPLES_FOR_A_CLIPPED_ONE < self.samples {
            return Finding::ok(CHECK, found);
        }
        Finding::warning(
            CHECK,
            found,
            format!("lower the input's gain, and its boost first ({MIXERS})"),
        )
    }

    fn offset(&self) -> Finding {
        const CHECK: &str = "DC offset";
        let found = format!("{:+.2} % of full scale", self.offset * 100.0);
        if self.offset.abs() < MAX_OFFSET {
            return Finding::ok(CHECK, found);
        }
        let advice = "switch the input's high-pass filter on, or take another input or adapter; it takes room \
                      from the signal and hides silence";
        Finding::warning(CHECK, found, advice)
    }
}

fn mean_power_dbfs(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return FLOOR_DBFS;
    }
    let energy = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>();
    power_to_dbfs((energy / samples.len() as f64) as f32)
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::super::Verdict;
    use super::*;
    use crate::domain::SampleRate;
    use crate::dsp::SplitMix64;

    const MIN_LEVEL_DBFS: f32 = -70.0;

    /// Two seconds at 48 kHz: noise of this peak, through `more`.
    fn measured(noise: f32, more: impl Fn(f32, f32) -> f32) -> LevelMeasurement {
        let mut random = SplitMix64::new(3);
        let samples = (0..96_000).map(|index| {
            let noise = noise * random.noise();
            more(index as f32 / 48_000.0, noise)
        });
        let sample_rate = SampleRate::new(48_000).unwrap();
        LevelMeasurement::new(Clip { samples: samples.collect(), sample_rate }).unwrap()
    }

    /// The one finding that is not good.
    fn complaint(level: &LevelMeasurement) -> Finding {
        let mut findings = level.findings(MIN_LEVEL_DBFS);
        findings.retain(|finding| finding.verdict != Verdict::Ok);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn a_good_microphone_has_nothing_to_complain_of() {
        let level = measured(0.05, |_, noise| noise);
        assert!(level.findings(MIN_LEVEL_DBFS).iter().all(|it| it.verdict == Verdict::Ok));
        // 0.05² / 3
        assert!((level.level_dbfs - -30.79).abs() < 0.1, "{level:?}");
        assert!((level.peak_dbfs - -26.0).abs() < 0.1, "{level:?}");
        assert!(level.loudness_lufs.is_some_and(|it| (-40.0..-20.0).contains(&it)), "{level:?}");
    }

    #[test]
    fn zeros_and_a_flat_line_are_dead_and_nothing_else_is_reported_of_them() {
        let zeros = measured(0.0, |_, _| 0.0).findings(MIN_LEVEL_DBFS);
        assert_eq!((zeros.len(), zeros[0].verdict), (1, Verdict::Failure));
        assert!(zeros[0].found.contains("exactly zero"), "{zeros:?}");
        let line = measured(1.0 / 32_768.0, |_, noise| 0.2 + noise).findings(MIN_LEVEL_DBFS);
        assert_eq!((line.len(), line[0].verdict), (1, Verdict::Failure));
        assert!(line[0].found.contains("a flat line at +0.2000"), "{line:?}");
    }

    #[test]
    fn a_low_level_a_hum_clipping_and_an_offset_are_one_warning_each() {
        let low = complaint(&measured(3e-4, |_, noise| noise));
        assert_eq!((low.check, low.verdict), ("level", Verdict::Warning));
        assert!(low.advice.contains("min_level_dbfs"), "{low:?}");

        let hum = complaint(&measured(0.01, |t, noise| noise + 0.02 * (TAU * 50.0 * t).sin()));
        assert_eq!(hum.check, "hum");
        assert!(hum.found.contains("50 Hz and multiples at -37.0 dBFS"), "{hum:?}");

        let clipping = complaint(&measured(1.0, |_, noise| (4.0 * noise).clamp(-1.0, 1.0)));
        assert_eq!(clipping.check, "clipping");

        let offset = complaint(&measured(0.05, |_, noise| noise - 0.03));
        assert_eq!(offset.check, "DC offset");
        assert!(offset.found.starts_with("-3.0"), "{offset:?}");
    }

    #[test]
    fn a_hum_far_below_the_sound_does_not_matter() {
        let level = measured(0.5, |t, noise| noise + 0.02 * (TAU * 60.0 * t).sin());
        let hum = &level.findings(MIN_LEVEL_DBFS)[1];
        assert_eq!(hum.verdict, Verdict::Ok);
        let level = measured(1e-4, |t, noise| noise + 3e-4 * (TAU * 60.0 * t).sin());
        let hum = &level.findings(-90.0)[1];
        assert!(hum.found.contains("60 Hz") && hum.verdict == Verdict::Ok, "{hum:?}");
    }

    #[test]
    fn one_loud_second_is_loud_enough() {
        let level = measured(0.05, |t, noise| if t < 1.0 { noise } else { 1e-3 * noise });
        assert!(level.loudest_dbfs > level.level_dbfs + 2.0, "{level:?}");
        assert_eq!(level.findings(-33.0)[0].verdict, Verdict::Ok);
        assert_eq!(level.findings(-30.0)[0].verdict, Verdict::Warning);
    }

    #[test]
    fn no_numbers_and_no_samples_are_measured_as_silence() {
        let sample_rate = SampleRate::new(8_000).unwrap();
        let clip = Clip { samples: vec![f32::NAN; 8_000], sample_rate };
        let level = LevelMeasurement::new(clip).unwrap();
        assert_eq!(level.findings(MIN_LEVEL_DBFS)[0].verdict, Verdict::Failure);
        let nothing = LevelMeasurement::new(Clip { samples: Vec::new(), sample_rate }).unwrap();
        assert_eq!(nothing.findings(MIN_LEVEL_DBFS)[0].verdict, Verdict::Failure);
    }
}
