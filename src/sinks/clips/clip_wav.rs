//! One clip as a file: its name, its bytes, and how it is distinguished from files of other programs. Used by [`super::wav_files`].

use std::fs::DirEntry;
use std::io::{self, Cursor, Read};

use hound::{SampleFormat, WavSpec, WavWriter};
use jiff::Timestamp;

use crate::domain::SampleRate;
use crate::files;

const PREFIX: &str = "tympan-";
pub(super) const SUFFIX: &str = ".wav";

/// The chunk behind a clip's RIFF header that names the program that wrote it (INFO, ISFT). Only files that have it are ever
/// deleted.
const SIGNATURE: &[u8] = b"LIST\x14\0\0\0INFOISFT\x07\0\0\0tympan\0\0";

/// Where it begins: behind `RIFF`, the size, and `WAVE`.
const SIGNATURE_AT: usize = 12;

/// A clip that is to be written.
#[derive(Debug)]
pub(super) struct Clip {
    /// Of its first sample.
    pub(super) time: Timestamp,
    pub(super) label: String,
    pub(super) event: u64,
    pub(super) sample_rate: SampleRate,
    pub(super) samples: Vec<f32>,
}

impl Clip {
    /// Its time first, so that names sort by age.
    pub(super) fn file_name(&self) -> String {
        let time = self.time.strftime("%Y%m%dT%H%M%S.%3fZ");
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let label: String = self.label.chars().map(plain).collect();
        format!("{PREFIX}{time}-{label}-{}{SUFFIX}", self.event)
    }

    pub(super) fn file_bytes(&self) -> u64 {
        44 + SIGNATURE.len() as u64 + 2 * self.samples.len() as u64
    }

    /// The whole file.
    pub(super) fn to_wav(&self) -> io::Result<Vec<u8>> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: self.sample_rate.hz(),
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut wav =
            Cursor::new(Vec::with_capacity(44 + SIGNATURE.len() + 2 * self.samples.len()));
        let mut writer = WavWriter::new(&mut wav, spec).map_err(into_io)?;
        for sample in &self.samples {
            let step = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0);
            writer.write_sample(step as i16).map_err(into_io)?;
        }
        writer.finalize().map_err(into_io)?;
        let mut wav = wav.into_inner();
        wav.splice(SIGNATURE_AT..SIGNATURE_AT, SIGNATURE.iter().copied());
        let riff_bytes = u32::try_from(wav.len() - 8).map_err(io::Error::other)?;
        wav[4..8].copy_from_slice(&riff_bytes.to_le_bytes());
        Ok(wav)
    }
}

/// Whether a name has the form that clips have: `tympan-YYYYMMDDThhmmss.mmmZ-LABEL-N.wav`.
pub(in crate::sinks) fn is_clip_name(name: &str) -> bool {
    const TIME: &str = "00000000T000000.000Z-";
    let Some(rest) = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)) else {
        return false;
    };
    let shape: String =
        rest.chars().take(TIME.len()).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let Some((_, number)) = rest.rsplit_once('-') else { return false };
    shape == TIME && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an entry is a regular file, no link, that begins as tympan's clips do.
pub(super) fn has_signature(entry: &DirEntry) -> bool {
    let is_file = entry.file_type().is_ok_and(|found| found.is_file());
    let mut head = [0; SIGNATURE_AT + SIGNATURE.len()];
    let mut read = || files::open_regular(&entry.path())?.read_exact(&mut head);
    is_file && read().is_ok() && head.starts_with(b"RIFF") && head.ends_with(SIGNATURE)
}

fn into_io(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_a_wav_file_that_says_who_wrote_it() {
        let clip = Clip {
            time: "2027-03-01T12:00:00Z".parse().unwrap(),
            label: "church bells".into(),
            event: 7,
            sample_rate: SampleRate::new(8_000).unwrap(),
            samples: vec![0.5, -0.25, 2.0],
        };
        assert_eq!(clip.file_name(), "tympan-20270301T120000.000Z-church_bells-7.wav");
        assert!(is_clip_name(&clip.file_name()));
        let bytes = clip.to_wav().unwrap();
        assert_eq!(bytes.len() as u64, clip.file_bytes());
        assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize, bytes.len() - 8);
        let reader = hound::WavReader::new(Cursor::new(&bytes)).unwrap();
        let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
        assert_eq!(samples, [16_384, -8_192, 32_767]);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("clip"), &bytes).unwrap();
        assert!(has_signature(&std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap()));
    }

    #[test]
    fn names_of_other_forms_are_not_tympan_s() {
        for name in [
            "tympan-notes-of-mine.wav",
            "tympan-20270301T120000.000Z-dog-.wav",
            "tympan-20270301T120000.000Z-dog-x.wav",
            "tympan-20270301T120000Z-dog-1.wav",
            "tympan-20270301T120000.000Z-dog-1.flac",
            "my-tympan-20270301T120000.000Z-dog-1.wav",
        ] {
            assert!(!is_clip_name(name), "{name}");
        }
    }
}
