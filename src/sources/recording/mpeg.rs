//! MPEG audio, mostly MP3: walks from frame to frame, over tags and damage and into whatever recordings are joined to the
//! first. Feeds single frames to the library's decoder, on the thread that reads the recording.

use symphonia::core::codecs::audio::well_known::{CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};

use super::block::{Block, Decode, Fault, Note};
use super::byte_reader::ByteReader;
use super::codec::{decode, make_decoder};
use super::mpeg_frame::{Description, HEAD_BYTES, Layer, MpegFrame, tag_bytes};

/// Frames in a row that are taken for sound where nothing else says that there is any.
const PROVEN_FRAMES: usize = 4;

/// How far they are searched for.
pub(super) const PROBE_BYTES: usize = 1 << 17;

/// What is searched at a time.
const SEARCH_BYTES: usize = 1 << 14;

/// What is looked at to pass over a tag; the longest Lyrics3 has not much more.
const TAG_BYTES: usize = 1 << 13;

/// What is looked at behind a frame, to see that another or a tag follows.
const NEXT_BYTES: usize = 32;

/// Samples that every decoder of layer III is late by.
const DECODER_DELAY: u64 = 529;

/// Bytes without sound at the end that are worth no word.
const MAX_TAIL_BYTES: u64 = 4096;

/// Frames that a description may count too many: some encoders count its own.
const MISCOUNT: u64 = 2;

/// Whether some frames stand in a row near the beginning of `bytes`.
pub(super) fn is_probable(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(PROBE_BYTES)];
    let whole_file = bytes.len() < PROBE_BYTES && frames_in_a_row(bytes) == FramesInARow::AllThere;
    whole_file || (0..bytes.len()).any(|start| begins_with_frames(&bytes[start..]))
}

/// Whether `bytes` begin with some frames in a row.
pub(super) fn begins_with_frames(bytes: &[u8]) -> bool {
    frames_in_a_row(bytes) == FramesInARow::Enough
}

/// How many frames there are in a row.
#[derive(Debug, PartialEq, Eq)]
enum FramesInARow {
    TooFew,
    /// Few, and nothing else.
    AllThere,
    Enough,
}

fn frames_in_a_row(bytes: &[u8]) -> FramesInARow {
    let Some(first) = MpegFrame::parse(bytes) else { return FramesInARow::TooFew };
    let (mut at, mut count) = (first.bytes, 1);
    while count < PROVEN_FRAMES {
        let next = bytes.get(at..).and_then(MpegFrame::parse);
        let Some(next) = next.filter(|next| next.is_like(&first)) else {
            let is_all = count > 1 && at >= bytes.len();
            return if is_all { FramesInARow::AllThere } else { FramesInARow::TooFew };
        };
        (at, count) = (at + next.bytes, count + 1);
    }
    FramesInARow::Enough
}

/// Decodes MPEG audio.
pub(super) struct MpegAudio {
    bytes: ByteReader,
    decoder: Option<Box<dyn AudioDecoder>>,
    /// The last frame, and where it ended.
    last: Option<(MpegFrame, u64)>,
    /// Bytes since then that are no frame and no tag.
    junk: u64,
    junk_is_zero: bool,
    section: Section,
    ended: bool,
}

/// One of the recordings that are joined.
#[derive(Debug, Default)]
struct Section {
    /// Samples that come before its sound.
    delay: u64,
    /// Samples of its sound that are still to come, where it says.
    left: Option<u64>,
    promised: Option<u64>,
    seen: u64,
}

impl Section {
    fn new(description: Description, frame_samples: u64) -> Self {
        let promised = description.frames.map(u64::from);
        let (delay, left) = match (description.gapless, promised) {
            (Some((delay, padding)), promised) => {
                let delay = delay + DECODER_DELAY;
                let trimmed = delay + padding.saturating_sub(DECODER_DELAY);
                let left = promised.map(|frames| frames * frame_samples);
                (delay, left.map(|left| left.saturating_sub(trimmed)))
            }
            (None, _) => (0, None),
        };
        Self { delay, left, promised, seen: 0 }
    }

    /// Whether all frames have come that it promised.
    fn is_over(&self) -> bool {
        self.promised.is_some_and(|promised| self.seen >= promised)
    }

    fn missing(&self) -> u64 {
        self.promised.map_or(0, |promised| promised.saturating_sub(self.seen))
    }

    /// Passes over samples that are lost, and says how many of them were sound.
    fn lose(&mut self, samples: u64) -> u64 {
        let delay = self.delay.min(samples);
        self.delay -= delay;
        let sound = (samples - delay).min(self.left.unwrap_or(u64::MAX));
        self.left = self.left.map(|left| left - sound);
        sound
    }

    /// Leaves out of `block` what is no sound.
    fn trim(&mut self, block: &mut Block) {
        let delay = self.delay.min(block.frames() as u64);
        block.cut_start(delay);
        self.delay -= delay;
        if let Some(left) = &mut self.left {
            block.cut_end(*left);
            *left -= block.frames() as u64;
        }
    }
}

impl MpegAudio {
    /// Reads whatever frames there are in `bytes`.
    pub(super) fn new(bytes: ByteReader) -> Self {
        Self {
            bytes,
            decoder: None,
            last: None,
            junk: 0,
            junk_is_zero: true,
            section: Section::default(),
            ended: false,
        }
    }

    /// The frame that stands here, with all its bytes, where one does.
    fn frame(&mut self) -> Result<Option<MpegFrame>, Fault> {
        let Some(frame) = MpegFrame::parse(self.bytes.peek(HEAD_BYTES)?) else { return Ok(None) };
        let there = self.bytes.peek(frame.bytes + NEXT_BYTES)?;
        if there.len() < frame.bytes {
            return Ok(None);
        }
        let next = &there[frame.bytes..];
        let follows =
            self.junk == 0 && self.last.as_ref().is_some_and(|(last, _)| frame.is_like(last));
        let is_followed = MpegFrame::parse(next).is_some_and(|next| next.is_like(&frame))
            || next.len() < HEAD_BYTES
            || tag_bytes(next).is_some();
        Ok((follows || is_followed).then_some(frame))
    }

    /// Passes over what is no frame, up to what may be one.
    fn pass(&mut self) -> Result<(), Fault> {
        let there = self.bytes.peek(SEARCH_BYTES)?;
        let there = &there[..there.len().min(SEARCH_BYTES)];
        let may_begin = |bytes: &[u8]| {
            bytes.len() < HEAD_BYTES
                || MpegFrame::parse(bytes).is_some()
                || bytes.starts_with(b"ID3")
                || bytes.starts_with(b"APETAGEX")
        };
        let at = (1..there.len()).find(|&at| may_begin(&there[at..])).unwrap_or(there.len());
        self.junk_is_zero &= there[..at].iter().all(|&byte| byte == 0);
        self.junk += at as u64;
        self.bytes.skip(at as u64)?;
        Ok(())
    }

    /// Decodes `frame`, which stands here; the sound is in `block`, if it has some.
    fn decode(&mut self, frame: MpegFrame, block: &mut Block) -> Result<(), Fault> {
        let bytes = self.bytes.peek(frame.bytes)?[..frame.bytes].to_vec();
        self.bytes.skip(frame.bytes as u64)?;
        let junk = std::mem::take(&mut self.junk);
        if let (Some((last, _)), true) = (&self.last, junk > 0) {
            // as many frames as fit best; a piece of the last one at the end of a recording is less than one
            let lost = (junk + last.bytes as u64 / 2) / last.bytes as u64;
            block.lost += self.section.lose(lost * last.samples);
            self.section.seen += lost;
            let reason = "they are no MPEG audio".to_owned();
            block.notes.push(Note::Damage { bytes: junk, reason });
            if let Some(decoder) = &mut self.decoder {
                decoder.reset();
            }
        }
        self.junk_is_zero = true;
        let is_first = self.last.is_none();
        let changes = self
            .last
            .as_ref()
            .is_none_or(|(last, _)| !frame.is_like(last) || last.channels != frame.channels);
        self.last = Some((frame, self.bytes.position()));
        if changes {
            self.decoder = Some(decoder_of(frame)?);
        }
        if let Some(description) = frame.description(&bytes) {
            self.begin(Section::new(description, frame.samples), is_first, block);
            return Ok(());
        }
        if changes || self.section.is_over() {
            self.begin(Section::default(), is_first, block);
        }
        self.section.seen += 1;
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        if let Err(reason) = decode(decoder.as_mut(), &bytes, block) {
            block.lost += self.section.lose(frame.samples);
            block.notes.push(Note::Damage { bytes: bytes.len() as u64, reason });
            return Ok(());
        }
        self.section.trim(block);
        Ok(())
    }

    fn begin(&mut self, section: Section, is_first: bool, block: &mut Block) {
        if self.section.missing() > MISCOUNT {
            block.notes.push(cut_short(&self.section));
        }
        if !is_first {
            block.notes.push(Note::Joined);
            if let Some(decoder) = &mut self.decoder {
                decoder.reset();
            }
        }
        self.section = section;
    }

    fn end(&mut self, block: &mut Block) -> Result<bool, Fault> {
        self.ended = true;
        if self.last.is_none() {
            return Err(Fault::refused("there is no MPEG audio in it"));
        }
        if self.section.missing() > MISCOUNT {
            block.notes.push(cut_short(&self.section));
        } else if self.junk > MAX_TAIL_BYTES && !self.junk_is_zero {
            let junk = self.junk;
            block.notes.push(Note::Odd(format!("ends with {junk} bytes that are no MPEG audio")));
        }
        Ok(false)
    }
}

fn cut_short(section: &Section) -> Note {
    Note::Odd(format!(
        "is cut short: its header promises {} frames, {} are there",
        section.promised.unwrap_or(0),
        section.seen
    ))
}

fn decoder_of(frame: MpegFrame) -> Result<Box<dyn AudioDecoder>, Fault> {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(match frame.layer {
        Layer::One => CODEC_ID_MP1,
        Layer::Two => CODEC_ID_MP2,
        Layer::Three => CODEC_ID_MP3,
    });
    make_decoder(&parameters)
}

impl Decode for MpegAudio {
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        block.clear();
        while !self.ended {
            if let Some(frame) = self.frame()? {
                self.decode(frame, block)?;
                if !block.samples.is_empty() || block.lost > 0 || !block.notes.is_empty() {
                    if block.samples.is_empty() {
                        (block.rate_hz, block.channels) = (frame.rate_hz, frame.channels);
                    }
                    return Ok(true);
                }
                continue;
            }
            let there = self.bytes.peek(TAG_BYTES)?;
            if there.is_empty() {
                return self.end(block);
            }
            match tag_bytes(there) {
                Some(count) => {
                    self.bytes.skip(count)?;
                }
                None => self.pass()?,
            }
        }
        Ok(false)
    }
}
