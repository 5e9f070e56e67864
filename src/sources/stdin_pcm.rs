//! Raw PCM from a pipe, so that `ffmpeg … | tympan run --source stdin:s16le:48000:1` captures any stream.
//!
//! Fed by standard input (or any byte stream); read by the thread `tympan-source`.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::str::FromStr;

use super::limits::MAX_CHANNELS;
use super::{SampleReader, SourceError};
use crate::domain::{SampleRate, downmix};

/// The longest specification, `s16le:384000:256`, three times over: what is longer is not one, and not repeated whole.
const MAX_SPEC_BYTES: usize = 48;

/// How one sample is written. Names are ffmpeg's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PcmFormat {
    /// Signed 8 bit.
    S8,
    /// Unsigned 8 bit.
    U8,
    /// Signed 16 bit, little-endian.
    S16Le,
    /// Signed 16 bit, big-endian.
    S16Be,
    /// Signed 24 bit in 3 bytes, little-endian.
    S24Le,
    /// Signed 24 bit in 3 bytes, big-endian.
    S24Be,
    /// Signed 32 bit, little-endian.
    S32Le,
    /// Signed 32 bit, big-endian.
    S32Be,
    /// 32 bit float, little-endian.
    F32Le,
    /// 32 bit float, big-endian.
    F32Be,
    /// 64 bit float, little-endian.
    F64Le,
    /// 64 bit float, big-endian.
    F64Be,
}

use PcmFormat::{F32Be, F32Le, F64Be, F64Le, S8, S16Be, S16Le, S24Be, S24Le, S32Be, S32Le, U8};

const FORMATS: [(&str, PcmFormat); 12] = [
    ("s8", S8),
    ("u8", U8),
    ("s16le", S16Le),
    ("s16be", S16Be),
    ("s24le", S24Le),
    ("s24be", S24Be),
    ("s32le", S32Le),
    ("s32be", S32Be),
    ("f32le", F32Le),
    ("f32be", F32Be),
    ("f64le", F64Le),
    ("f64be", F64Be),
];

impl PcmFormat {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            S8 | U8 => 1,
            S16Le | S16Be => 2,
            S24Le | S24Be => 3,
            S32Le | S32Be | F32Le | F32Be => 4,
            F64Le | F64Be => 8,
        }
    }

    /// One sample over full scale.
    fn decode(self, bytes: &[u8]) -> f32 {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let [a, b, c, d, ..] = wide;
        let of_32_bits = |value: i32| value as f32 / 2_147_483_648.0;
        match self {
            S8 => f32::from(a.cast_signed()) / 128.0,
            U8 => (f32::from(a) - 128.0) / 128.0,
            S16Le => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            S16Be => f32::from(i16::from_be_bytes([a, b])) / 32_768.0,
            S24Le => of_32_bits(i32::from_le_bytes([0, a, b, c])),
            S24Be => of_32_bits(i32::from_be_bytes([a, b, c, 0])),
            S32Le => of_32_bits(i32::from_le_bytes([a, b, c, d])),
            S32Be => of_32_bits(i32::from_be_bytes([a, b, c, d])),
            F32Le => f32::from_le_bytes([a, b, c, d]),
            F32Be => f32::from_be_bytes([a, b, c, d]),
            F64Le => f64::from_le_bytes(wide) as f32,
            F64Be => f64::from_be_bytes(wide) as f32,
        }
    }
}

impl fmt::Display for PcmFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FORMATS.iter().find(|(_, format)| format == self).map_or("?", |(name, _)| name);
        f.write_str(name)
    }
}

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

/// A reader of raw PCM, downmixed to the mean of its channels.
pub struct PcmReader<R> {
    name: String,
    spec: PcmSpec,
    stream: R,
    bytes: Vec<u8>,
    filled: usize,
    repaired: u64,
}

impl PcmReader<std::io::Stdin> {
    /// Reads standard input.
    pub fn stdin(spec: PcmSpec) -> Self {
        Self::new("stdin", spec, std::io::stdin())
    }
}

impl<R: Read + Send> PcmReader<R> {
    /// Reads `stream`, which records call `name`.
    pub fn new(name: &str, spec: PcmSpec, stream: R) -> Self {
        Self { name: name.to_owned(), spec, stream, bytes: Vec::new(), filled: 0, repaired: 0 }
    }

    /// Moves the whole frames that are there to `block`, and keeps the rest of a frame for the next read.
    fn unpack(&mut self, block: &mut [f32]) -> usize {
        let sample_bytes = self.spec.format.bytes();
        let frame_bytes = sample_bytes * usize::from(self.spec.channels);
        let whole = self.filled / frame_bytes;
        for (out, frame) in block.iter_mut().zip(self.bytes.chunks_exact(frame_bytes).take(whole)) {
            let samples = frame.chunks_exact(sample_bytes);
            let (mean, left_out) = downmix(samples.map(|bytes| self.spec.format.decode(bytes)));
            *out = mean;
            self.repaired += left_out;
        }
        self.bytes.copy_within(whole * frame_bytes..self.filled, 0);
        self.filled -= whole * frame_bytes;
        whole
    }
}

impl<R: Read + Send> SampleReader for PcmReader<R> {
    fn take_repaired(&mut self) -> u64 {
        std::mem::take(&mut self.repaired)
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
                    return Ok(0);
                }
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(source) => {
                    return Err(SourceError::StreamUnreadable { name: self.name.clone(), source });
                }
            }
        }
        Ok(self.unpack(block))
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
    fn every_format_reads_minus_one_half() {
        let cases: [(&str, &[u8]); 12] = [
            ("s8", &[0xC0]),
            ("u8", &[0x40]),
            ("s16le", &[0x00, 0xC0]),
            ("s16be", &[0xC0, 0x00]),
            ("s24le", &[0x00, 0x00, 0xC0]),
            ("s24be", &[0xC0, 0x00, 0x00]),
            ("s32le", &[0x00, 0x00, 0x00, 0xC0]),
            ("s32be", &[0xC0, 0x00, 0x00, 0x00]),
            ("f32le", &(-0.5_f32).to_le_bytes()),
            ("f32be", &(-0.5_f32).to_be_bytes()),
            ("f64le", &(-0.5_f64).to_le_bytes()),
            ("f64be", &(-0.5_f64).to_be_bytes()),
        ];
        for (format, bytes) in cases {
            assert_eq!(read_all(&format!("{format}:8000:1"), bytes), [-0.5], "{format}");
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
