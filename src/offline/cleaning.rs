//! Recordings as they are trained on and measured: read, cut to the part that is meant, brought to one level, silence
//! taken out. Fed by the dataset; feeds the front end, which mixes to mono and resamples as it does live.

use std::fmt;
use std::time::Duration;

use ebur128::{EbuR128, Mode};
use serde::{Deserialize, Serialize};

use super::datasets::{ClipFault, ClipSpan, DatasetClip};
use crate::domain::{Clip, SampleRate};
use crate::dsp::{EnvelopeSpec, envelope};
use crate::sources::{SourceError, load_clip};

/// Largest amplitude after peak normalisation: −1 dBFS, as is usual, so that a later lossy encoding does not clip.
const PEAK: f32 = 0.891_250_9;

/// Loudness after loudness normalisation: the programme level of EBU R 128.
const LOUDNESS_LUFS: f64 = -23.0;

/// What gated loudness is measured over: a clip must last as long as one block.
const BLOCK: Duration = Duration::from_millis(400);

/// A part may end this much after its file does: tables round.
const ROUNDING: Duration = Duration::from_millis(50);

/// What is done to a clip before its features are computed; by default nothing.
///
/// A model that is to run live gets what the microphone delivers: levels are not normalised there. Normalising makes
/// recordings of unlike origin comparable; it is for measuring, and for sets whose levels say nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleaningSpec {
    /// To what level the clip is brought.
    pub normalise: ClipNormalisation,
    /// What is taken out as silence, after that; none to leave everything in.
    pub trim: Option<EnvelopeSpec>,
}

impl fmt::Display for CleaningSpec {
    /// What is done, in words; empty for nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.normalise {
            ClipNormalisation::None => "",
            ClipNormalisation::Peak => "brought to a peak of -1 dBFS",
            ClipNormalisation::Loudness => "brought to a loudness of -23 LUFS",
        };
        f.write_str(level)?;
        match &self.trim {
            None => Ok(()),
            Some(envelope) => {
                let and = if level.is_empty() { "" } else { ", then " };
                write!(f, "{and}rid of what lies below {} dBFS", envelope.threshold_dbfs)
            }
        }
    }
}

/// To what level a clip is brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClipNormalisation {
    /// It stays as it is.
    #[default]
    None,
    /// Its largest amplitude becomes −1 dBFS.
    Peak,
    /// Its integrated loudness becomes −23 LUFS.
    Loudness,
}

/// Reads a clip, cuts it to its part, and cleans it.
///
/// A file of many parts is decoded once for each of them.
///
/// # Errors
/// [`ClipFault`] when the file cannot be read or holds no samples, its part lies beyond its end, or nothing of it is
/// louder than the threshold.
pub fn load_clean_clip(clip: &DatasetClip, cleaning: &CleaningSpec) -> Result<Clip, ClipFault> {
    let fault = |reason| ClipFault { path: clip.path.clone(), reason, fold: clip.fold };
    let mut audio = load_clip(&clip.path).map_err(|error| fault(reason(&error)))?;
    if let Some(span) = clip.span {
        cut(&mut audio, span).map_err(fault)?;
    }
    if audio.samples.is_empty() {
        return Err(fault("holds no samples".to_owned()));
    }
    normalise_clip(&mut audio, cleaning.normalise);
    if let Some(spec) = &cleaning.trim {
        trim(&mut audio, spec).map_err(fault)?;
    }
    Ok(audio)
}

/// Brings a clip to its level. Samples may exceed full scale afterwards: they are numbers, nothing clips them.
///
/// Loudness is that of one channel. A clip shorter than the 400 ms that the measurement needs is measured as if it were
/// repeated; one that is never above −70 LUFS, such as digital silence, has no loudness and stays as it is. Samples that
/// are not finite become zero, as they would in the front end.
///
/// # Source
/// EBU R 128 and ITU-R BS.1770-4 as the crate `ebur128` 0.1 computes them.
pub fn normalise_clip(clip: &mut Clip, how: ClipNormalisation) {
    if how == ClipNormalisation::None {
        return;
    }
    for sample in clip.samples.iter_mut().filter(|sample| !sample.is_finite()) {
        *sample = 0.0;
    }
    let gain = match how {
        ClipNormalisation::None => None,
        ClipNormalisation::Peak => {
            let peak = clip.samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            Some(PEAK / peak).filter(|gain| gain.is_finite())
        }
        ClipNormalisation::Loudness => loudness_lufs(clip)
            .map(|loudness| 10.0f64.powf((LOUDNESS_LUFS - loudness) / 20.0) as f32),
    };
    if let Some(gain) = gain {
        for sample in &mut clip.samples {
            *sample *= gain;
        }
    }
}

/// Integrated loudness; none for a clip that is too quiet to have one.
pub fn loudness_lufs(clip: &Clip) -> Option<f64> {
    let mut meter = EbuR128::new(1, clip.sample_rate.hz(), Mode::I).ok()?;
    let block = samples_in(clip.sample_rate, BLOCK) + 1;
    let mut measured = 0;
    while measured < block && !clip.samples.is_empty() {
        meter.add_frames_f32(&clip.samples).ok()?;
        measured += clip.samples.len();
    }
    meter.loudness_global().ok().filter(|loudness| loudness.is_finite())
}

fn cut(clip: &mut Clip, span: ClipSpan) -> Result<(), String> {
    let rate = clip.sample_rate;
    let length = rate.duration_of(clip.samples.len() as u64);
    let beyond = |what: &str, at: Duration| {
        let (at, length) = (at.as_secs_f64(), length.as_secs_f64());
        format!("its part {what} at {at:.3} s, the file ends at {length:.3} s")
    };
    if span.start >= length {
        return Err(beyond("begins", span.start));
    }
    if let Some(end) = span.end {
        if end > length + ROUNDING {
            return Err(beyond("ends", end));
        }
        clip.samples.truncate(samples_in(rate, end));
    }
    clip.samples.drain(..samples_in(rate, span.start).min(clip.samples.len()));
    Ok(())
}

fn trim(clip: &mut Clip, spec: &EnvelopeSpec) -> Result<(), String> {
    let sounding = spec.sounding(&envelope(&clip.samples, clip.sample_rate, spec));
    let mut sounding = sounding.into_iter();
    clip.samples.retain(|_| sounding.next().unwrap_or(false));
    if clip.samples.is_empty() {
        return Err(format!(
            "nothing is left of it: its envelope is never above {} dBFS; lower the threshold, or leave the clip out",
            spec.threshold_dbfs
        ));
    }
    Ok(())
}

fn samples_in(rate: SampleRate, span: Duration) -> usize {
    usize::try_from(rate.samples_in(span)).unwrap_or(usize::MAX)
}

/// A reader's error without the file's name, which the fault already has.
fn reason(error: &SourceError) -> String {
    match error {
        SourceError::FileUnreadable { source, .. } => format!("cannot be read: {source}"),
        SourceError::FileEmpty { .. } => "is empty (0 bytes)".to_owned(),
        SourceError::FileWithoutSamples { .. } => "holds no samples, only a header".to_owned(),
        SourceError::UnsupportedFile { reason, .. } => {
            format!(
                "is not audio that tympan reads ({reason}); convert it: ffmpeg -i FILE FILE.wav"
            )
        }
        SourceError::NotARecording { what, mend, .. } => {
            format!("is {what}, not a recording. {mend}")
        }
        SourceError::BadRate { source, .. } => format!("has an impossible rate: {source}"),
        SourceError::FormatChange { seconds, change, .. } => {
            format!("changes its format after {seconds:.1} s ({change})")
        }
        other => other.to_string(),
    }
}
