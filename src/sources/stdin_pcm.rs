//! Raw PCM from a pipe, so that `ffmpeg … | tympan run --source stdin:s16le:48000:1` captures any stream.
//!
//! Fed by standard input without a header (or any byte stream); read by the thread `tympan-source`.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::str::FromStr;

use super::limits::MAX_CHANNELS;
use super::mixdown::{Mixdown, no_sound};
use super::pcm_format::{FORMATS, PcmFormat};
use super::{ChannelSelection, SampleReader, SourceError};
use crate::domain::SampleRate;

/// The longest specification, `s16le:384000:256`, three times over: what is longer is not one, and not repeated whole.
const MAX_SPEC_BYTES: usize = 48;

/// What the bytes of a raw stream mean: `format:rate:channels`, such as `s16le:48000:1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmSpec {
    /// How one sample is written.
    pub format: PcmFormat,
    /// Frames a second.
    pub sample_rate: SampleRate,
    /// Interleaved channels, 1 to 256; they are averaged.
    pub channels: u16,
}

impl FromStr for PcmSpec {
    type Err = SourceError;

    fn from_str(given: &str) -> Result<Self, SourceError> {
        let shown: String = given.chars().take(MAX_SPEC_BYTES).collect();
        let wrong = |fault: String| SourceError::PcmSpec { given: shown.clone(), fault };
        if given.len() > MAX_SPEC_BYTES {
            return Err(wrong(format!("it has {} bytes, far too many", given.len())));
        }
        let parts: Vec<&str> = given.split(':').collect();
        let [format, rate, channels] = parts[..] else {
            return Err(wrong(format!(
                "it has {} of 3 parts",
                if given.is_empty() { 0 } else { parts.len() }
            )));
        };
        let format = FORMATS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(format))
            .map(|&(_, known)| known)
            .ok_or_else(|| {
                let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
                wrong(format!("sample format {format:?} is not one of {}", names.join(", ")))
            })?;
        let hz: u32 = rate
            .parse()
            .map_err(|_| wrong(format!("rate {rate:?} is not a whole number of Hz")))?;
        let sample_rate = SampleRate::new(hz).map_err(|error| wrong(error.to_string()))?;
        let channels =
            channels.parse().ok().filter(|count| (1..=MAX_CHANNELS).contains(count)).ok_or_else(
                || wrong(format!("channels {channels:?} is not a number from 1 to {MAX_CHANNELS}")),
            )?;
        Ok(Self { format, sample_rate, channels })
    }
}

impl fmt::Display for PcmSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.format, self.sample_rate.hz(), self.channels)
    }
}

/// A reader of raw PCM, mixed to one channel.
pub struct PcmReader<R> {
    name: String,
    spec: PcmSpec,
    stream: R,
    bytes: Vec<u8>,
    filled: usize,
    samples: Vec<f32>,
    mixdown: Mixdown,
    mixed: Vec<f32>,
    /// The first second, until it has been checked.
    first: Option<Vec<f32>>,
}

impl<R: Read + Send> PcmReader<R> {
    /// Reads `stream`, which records call `name`; its channels become their mean.
    pub fn new(name: &str, spec: PcmSpec, stream: R) -> Self {
        Self::of_channel(name, spec, stream, ChannelSelection::Mix)
    }

    /// As [`Self::new`], with the channels that `selection` says.
    pub fn of_channel(name: &str, spec: PcmSpec, stream: R, selection: ChannelSelection) -> Self {
        Self {
            name: name.to_owned(),
            spec,
            stream,
            bytes: Vec::new(),
            filled: 0,
            samples: Vec::new(),
            mixdown: Mixdown::new(name.to_owned(), selection),
            mixed: Vec::new(),
            first: Some(Vec::new()),
        }
    }

    /// Moves the whole frames that are there to `block`, and keeps the rest of a frame for the next read.
    fn unpack(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        let channels = usize::from(self.spec.channels);
        let frame_bytes = self.spec.format.bytes() * channels;
        let whole = self.filled / frame_bytes;
        self.samples.clear();
        self.spec.format.decode_into(&self.bytes[..whole * frame_bytes], &mut self.samples);
        self.mixed.clear();
        let rate_hz = self.spec.sample_rate.hz();
        self.mixdown.push(&self.samples, channels, rate_hz, &mut self.mixed)?;
        block[..self.mixed.len()].copy_from_slice(&self.mixed);
        if let Some(first) = &mut self.first {
            first.extend_from_slice(&self.mixed);
            if first.len() >= rate_hz as usize {
                self.check_first();
            }
        }
        self.bytes.copy_within(whole * frame_bytes..self.filled, 0);
        self.filled -= whole * frame_bytes;
        Ok(whole)
    }

    /// Reports a beginning that looks like bytes of another format.
    fn check_first(&mut self) {
        let first = self.first.take().unwrap_or_default();
        if let Some(reason) = no_sound(&first) {
            log::warn!(
                "{}: {reason}; its bytes are probably not {}. Give their format: --source stdin:FORMAT:RATE:CHANNELS, or the key `format`",
                self.name,
                self.spec
            );
        }
    }
}

impl<R: Read + Send> SampleReader for PcmReader<R> {
    fn take_repaired(&mut self) -> u64 {
        self.mixdown.take_repaired()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn sample_rate(&self) -> SampleRate {
        self.spec.sample_rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        let frame_bytes = self.spec.format.bytes() * usize::from(self.spec.channels);
        let wanted = block.len() * frame_bytes;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        while self.filled < frame_bytes && wanted > 0 {
            match self.stream.read(&mut self.bytes[self.filled..wanted]) {
                Ok(0) => {
                    if self.filled > 0 {
                        log::warn!(
                            "{} ended in the middle of a frame of {}: its last {} bytes are dropped",
                            self.name,
                            self.spec,
                            self.filled
                        );
                        self.filled = 0;
                    }
                    self.check_first();
                    self.mixdown.check_cancelling();
                    return Ok(0);
                }
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(source) => {
                    return Err(SourceError::StreamUnreadable { name: self.name.clone(), source });
                }
            }
        }
        self.unpack(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(spec: &str, bytes: &[u8]) -> Vec<f32> {
        let mut reader = PcmReader::new("test", spec.parse().unwrap(), bytes);
        let mut samples = Vec::new();
        let mut block = [0.0; 3];
        loop {
            match reader.read(&mut block).unwrap() {
                0 => return samples,
                count => samples.extend_from_slice(&block[..count]),
            }
        }
    }

    #[test]
    fn each_wrong_part_is_named_with_what_is_allowed() {
        let fault = |given: &str| given.parse::<PcmSpec>().unwrap_err().to_string();
        assert!(fault("s16:48000:1").contains("\"s16\" is not one of s8, u8, s16le"));
        assert!(fault("s16le:48k:1").contains("\"48k\" is not a whole number"));
        assert!(fault("s16le:48:1").contains("between 4000 and 384000"));
        assert!(fault("s16le:48000:0").contains("\"0\" is not a number from 1"));
        assert!(fault("s16le:48000").contains("2 of 3 parts"));
        assert!(fault("").contains("0 of 3 parts"));
    }

    #[test]
    fn a_specification_prints_as_it_is_written() {
        let spec: PcmSpec = "S24LE:44100:2".parse().unwrap();
        assert_eq!(spec.to_string(), "s24le:44100:2");
    }

    #[test]
    fn channels_are_averaged() {
        let bytes: Vec<u8> =
            [0.5_f32, 0.1, -0.2, -0.4].iter().flat_map(|x| x.to_le_bytes()).collect();
        let mono = read_all("f32le:8000:2", &bytes);
        assert!((mono[0] - 0.3).abs() < 1e-6 && (mono[1] + 0.3).abs() < 1e-6, "{mono:?}");
    }
}
