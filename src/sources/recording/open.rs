//! Finds out by its first bytes what a recording is, and opens the reader for that. Called for files and for standard input.

use std::io;

use super::aiff;
use super::block::{Decode, Fault};
use super::byte_reader::ByteReader;
use super::flac::Flac;
use super::library::Library;
use super::mpeg::{MpegAudio, PROBE_BYTES, begins_with_frames, is_probable};
use super::mpeg_frame::{MpegFrame, tag_bytes};
use super::ogg::Ogg;
use super::pcm::PcmStretches;
use super::plain_headers::{OneStretch, open_au, open_caf, open_sphere};
use super::wave::{IMA_ADPCM, MP3, MPEG, MS_ADPCM, WAVE64_ID, WaveChunks};
use super::wave_codecs::Adpcm;

/// How many stray bytes may stand before a header.
const MAX_STRAY_BYTES: usize = 1 << 12;

/// What is looked at of a file's beginning.
const MAGIC_BYTES: usize = 16;

/// What a recording is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources) enum Container {
    Wave,
    Aiff,
    Au,
    Sphere,
    Caf,
    Flac,
    Ogg,
    /// MPEG audio, mostly MP3, with a tag or without.
    Mpeg,
    /// MP4 and its like, or Matroska.
    Other,
}

impl Container {
    /// What begins with `bytes`, where that is plain.
    pub(in crate::sources) fn of(bytes: &[u8]) -> Option<Self> {
        let behind = |at: usize| bytes.get(at..at + 4).unwrap_or_default();
        Some(match (behind(0), behind(8)) {
            (b"RIFF" | b"RIFX" | b"RF64" | b"BW64", b"WAVE") => Self::Wave,
            (b"FORM", b"AIFF" | b"AIFC") => Self::Aiff,
            (b".snd" | b"dns.", _) => Self::Au,
            (b"NIST", _) if bytes.starts_with(b"NIST_1A") => Self::Sphere,
            (b"caff", _) => Self::Caf,
            (b"fLaC", _) => Self::Flac,
            (b"OggS", _) => Self::Ogg,
            ([0x1A, 0x45, 0xDF, 0xA3], _) => Self::Other,
            _ if bytes.starts_with(&WAVE64_ID) => Self::Wave,
            _ if behind(4) == b"ftyp" => Self::Other,
            _ if bytes.starts_with(b"ID3") && tag_bytes(bytes).is_some() => Self::Mpeg,
            _ => return None,
        })
    }

    /// As [`Self::of`], of a stream without a name, where frames of MPEG audio speak for themselves.
    ///
    /// # Errors
    /// Those of reading.
    pub(in crate::sources) fn of_stream(bytes: &mut ByteReader) -> io::Result<Option<Self>> {
        let first = bytes.peek(MAGIC_BYTES)?;
        let Some(frame) = MpegFrame::parse(first) else { return Ok(Self::of(first)) };
        let frames = 4 * (frame.bytes + 1);
        let there = bytes.peek(frames)?;
        Ok(begins_with_frames(there).then_some(Self::Mpeg))
    }

    /// Its name.
    pub(in crate::sources) fn name(self) -> &'static str {
        match self {
            Self::Wave => "a WAV",
            Self::Aiff => "an AIFF",
            Self::Au => "an AU",
            Self::Sphere => "a SPHERE",
            Self::Caf => "a CAF",
            Self::Flac => "a FLAC",
            Self::Ogg => "an Ogg",
            Self::Mpeg => "an MP3",
            Self::Other => "an MP4 or Matroska",
        }
    }
}

/// Opens the recording in `bytes`, a file called something with `ending`.
///
/// # Errors
/// [`Fault`] when it is none that is read.
pub(in crate::sources) fn open(
    mut bytes: ByteReader,
    ending: Option<&str>,
) -> Result<Box<dyn Decode>, Fault> {
    // tags may stand before anything; more than one is rare, and a file full of them is nothing
    for _ in 0..8 {
        let Some(count) = tag_bytes(bytes.peek(MAGIC_BYTES)?) else { break };
        bytes.skip(count)?;
    }
    match Container::of(bytes.peek(MAGIC_BYTES)?) {
        Some(Container::Wave) => open_wave(bytes),
        Some(Container::Aiff) => open_aiff(bytes),
        Some(Container::Au) => {
            let (layout, extent) = open_au(&mut bytes)?;
            Ok(Box::new(PcmStretches::new(bytes, layout, OneStretch, extent)))
        }
        Some(Container::Sphere) => {
            let (layout, extent) = open_sphere(&mut bytes)?;
            Ok(Box::new(PcmStretches::new(bytes, layout, OneStretch, extent)))
        }
        Some(Container::Caf) => match open_caf(&mut bytes)? {
            Some((layout, extent)) => {
                Ok(Box::new(PcmStretches::new(bytes, layout, OneStretch, extent)))
            }
            None => Ok(Box::new(Library::open(bytes, Some("caf"))?)),
        },
        Some(Container::Flac) => Ok(Box::new(Flac::new(bytes))),
        Some(Container::Ogg) => Ok(Box::new(Ogg::new(bytes))),
        Some(Container::Mpeg | Container::Other) => Ok(Box::new(Library::open(bytes, ending)?)),
        None => open_unmarked(bytes, ending),
    }
}

fn open_wave(mut bytes: ByteReader) -> Result<Box<dyn Decode>, Fault> {
    let (chunks, format, extent) = WaveChunks::open(&mut bytes)?;
    if let Some(layout) = format.layout()? {
        return Ok(Box::new(PcmStretches::new(bytes, layout, chunks, extent)));
    }
    match format.tag {
        MS_ADPCM | IMA_ADPCM => Ok(Box::new(Adpcm::open(bytes, chunks, format, extent)?)),
        MPEG | MP3 => Ok(Box::new(MpegAudio::new(bytes))),
        _ => Err(Fault::Refused(format.unread_name())),
    }
}

fn open_aiff(mut bytes: ByteReader) -> Result<Box<dyn Decode>, Fault> {
    let (samples, layout, extent) = aiff::open(&mut bytes)?;
    Ok(Box::new(PcmStretches::new(bytes, layout, samples, extent)))
}

/// What no first bytes name: MPEG audio, or something behind a few stray bytes.
fn open_unmarked(mut bytes: ByteReader, ending: Option<&str>) -> Result<Box<dyn Decode>, Fault> {
    let there = bytes.peek(MAX_STRAY_BYTES)?;
    let is_header = |at: &usize| {
        matches!(
            Container::of(&there[*at..]),
            Some(Container::Wave | Container::Flac | Container::Aiff)
        )
    };
    if let Some(at) = (1..there.len().min(MAX_STRAY_BYTES)).find(is_header) {
        bytes.skip(at as u64)?;
        return match Container::of(bytes.peek(MAGIC_BYTES)?) {
            Some(Container::Flac) => Ok(Box::new(Flac::new(bytes))),
            Some(Container::Aiff) => open_aiff(bytes),
            _ => open_wave(bytes),
        };
    }
    if is_probable(bytes.peek(PROBE_BYTES)?) {
        return Ok(Box::new(MpegAudio::new(bytes)));
    }
    Ok(Box::new(Library::open(bytes, ending)?))
}
