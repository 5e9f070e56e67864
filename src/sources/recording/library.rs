//! Containers that are read as the library reads them: MP4, Matroska, ADTS, compressed CAF. Fed by the file; feeds the reader
//! of recordings.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error as LibraryError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

use super::block::{Block, Decode, Fault, Note};
use super::byte_reader::ByteReader;
use super::codec::{contained, explain, make_decoder};

/// Samples of silence that one damaged packet becomes at most: a bound on what a lying header costs.
const MAX_SILENCE_SAMPLES: u64 = 1 << 20;

/// Decodes what the library finds.
pub(super) struct Library {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// What the header promises, where it does.
    promised: Option<u64>,
    decoded: u64,
    damaged_packets: u64,
    ended: bool,
}

impl Library {
    /// Opens what `bytes` hold, a file called something with `ending`.
    ///
    /// # Errors
    /// [`Fault`] when it is nothing that the library reads.
    pub(super) fn open(bytes: ByteReader, ending: Option<&str>) -> Result<Self, Fault> {
        let mut hint = Hint::new();
        if let Some(ending) = ending {
            hint.with_extension(ending);
        }
        let source = Box::new(Bytes(Mutex::new(bytes)));
        let stream = MediaSourceStream::new(source, Default::default());
        let probe = || {
            let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
            symphonia::default::get_probe().probe(&hint, stream, format, metadata)
        };
        let format = contained(probe).map_err(|error| Fault::Refused(explain(&error)))?;
        let track = format
            .default_track(TrackType::Audio)
            .or_else(|| format.first_track(TrackType::Audio))
            .ok_or_else(|| Fault::refused("it has no audio track"))?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(Fault::refused("its audio track names no codec"));
        };
        let decoder = make_decoder(parameters)?;
        Ok(Self {
            track: track.id,
            promised: track.num_frames,
            format,
            decoder,
            decoded: 0,
            damaged_packets: 0,
            ended: false,
        })
    }

    fn end(&mut self, block: &mut Block) -> Result<bool, Fault> {
        self.ended = true;
        if self.decoded == 0 && self.damaged_packets > 0 {
            let packets = self.damaged_packets;
            return Err(Fault::Refused(format!("none of its {packets} packets can be decoded")));
        }
        if let Some(promised) = self.promised.filter(|&promised| promised > self.decoded) {
            let there = self.decoded;
            block.notes.push(Note::Odd(format!(
                "is cut short: its header promises {promised} samples, {there} are there"
            )));
        }
        Ok(false)
    }
}

impl Decode for Library {
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        block.clear();
        while !self.ended {
            let packet = match contained(|| self.format.next_packet()) {
                Ok(Some(packet)) => packet,
                Ok(None) => return self.end(block),
                Err(LibraryError::ResetRequired) => {
                    return Err(Fault::refused("a second stream is chained to the first"));
                }
                // a torn last packet
                Err(LibraryError::IoError(error))
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    return self.end(block);
                }
                Err(LibraryError::IoError(error)) => return Err(error.into()),
                Err(error) => {
                    block.notes.push(Note::Odd(format!("breaks off: {}", explain(&error))));
                    return self.end(block);
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            let decoded = contained(|| {
                block.take(&self.decoder.decode(&packet)?);
                Ok(())
            });
            match decoded {
                Ok(()) => self.decoded += block.frames() as u64,
                // silence only between sound: a file without one good packet is not audio
                Err(error) => {
                    block.samples.clear();
                    self.damaged_packets += 1;
                    if self.decoded > 0 {
                        let (bytes, reason) = (packet.data.len() as u64, explain(&error));
                        block.lost = packet.dur.get().min(MAX_SILENCE_SAMPLES);
                        self.decoded += block.lost;
                        block.notes.push(Note::Damage { bytes, reason });
                    }
                }
            }
            if !block.samples.is_empty() || block.lost > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The bytes as the library reads them, which wants to share them between threads.
struct Bytes(Mutex<ByteReader>);

impl Bytes {
    fn reader(&mut self) -> &mut ByteReader {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Bytes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reader().read(into)
    }
}

impl Seek for Bytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let reader = self.reader();
        let at = |from: u64, by: i64| from.checked_add_signed(by);
        let to = match to {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::Current(by) => at(reader.position(), by),
            SeekFrom::End(by) => reader.left().and_then(|left| at(reader.position() + left, by)),
        };
        let to = to.ok_or(io::ErrorKind::InvalidInput)?;
        if reader.go_to(to)? { Ok(to) } else { Err(io::ErrorKind::Unsupported.into()) }
    }
}

impl MediaSource for Bytes {
    fn is_seekable(&self) -> bool {
        self.byte_len().is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        let reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.left().map(|left| reader.position() + left)
    }
}
