//! FLAC: walks from frame to frame, over tags and damage and into whatever recordings are joined to the first. Feeds single
//! frames to the library's decoder, on the thread that reads the recording.

use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};

use super::block::{Block, Decode, Fault, Note};
use super::byte_reader::{ByteReader, MAX_AHEAD};
use super::codec::{decode, make_decoder};
use super::flac_frame::{DESCRIPTION_BYTES, FlacFrame, MAX_HEAD_BYTES, StreamDescription, crc_16};
use super::mpeg_frame::tag_bytes;

/// What is looked at first to find a frame's end, and then twice as much each time.
const FIRST_LOOK_BYTES: usize = 1 << 13;

/// What is searched at a time for the next frame.
const SEARCH_BYTES: usize = 1 << 14;

/// Ends of a frame that may be tried where none is plain.
const MAX_DOUBTFUL_ENDS: usize = 8;

/// How many bytes may be looked at in vain for one that is read, and in all beyond that: a file made to be slow.
const MAX_VAIN_LOOKS: u64 = 64;
const FREE_LOOKS: u64 = 1 << 26;

/// The longest silence that stands for frames of which nothing but their number is known.
const MAX_UNPROVEN_SECONDS: u64 = 600;

/// The samples of one stream, by the numbers of its frames.
pub(super) struct FlacStream {
    description: StreamDescription,
    decoder: Option<(FlacFrame, Box<dyn AudioDecoder>)>,
    /// The first frame's block, all of whose kind are as long.
    usual_block: Option<u64>,
    /// What has been given out.
    position: u64,
    /// What the numbers of the frames are ahead of that.
    offset: u64,
}

impl FlacStream {
    pub(super) fn new(description: StreamDescription) -> Self {
        Self { description, decoder: None, usual_block: None, position: 0, offset: 0 }
    }

    /// Decodes one whole frame, before which `lost_bytes` could not be read.
    pub(super) fn decode(
        &mut self,
        frame: FlacFrame,
        bytes: &[u8],
        lost_bytes: u64,
        block: &mut Block,
    ) -> Result<(), Fault> {
        let is_first = self.usual_block.is_none();
        let usual_block = *self.usual_block.get_or_insert(frame.block);
        let start = frame.start(&self.description, usual_block);
        if is_first && lost_bytes == 0 {
            // cut out of a longer stream
            self.offset = start;
        }
        let position = self.position + self.offset;
        let gap = start.saturating_sub(position);
        if start < position || gap > self.longest_gap(start + frame.block, frame.rate_hz) {
            self.offset = start.saturating_sub(self.position);
            if start < position {
                // numbers that begin again; what went before counts on
                block.notes.push(Note::Joined);
                self.position = 0;
                self.offset = start;
            }
        } else if gap > 0 {
            block.lost += gap;
            self.position += gap;
        }
        if lost_bytes > 0 || block.lost > 0 {
            let reason = "frames are damaged or missing".to_owned();
            block.notes.push(Note::Damage { bytes: lost_bytes, reason });
        }
        let decoder = self.decoder_of(frame)?;
        if let Err(reason) = decode(decoder, bytes, block) {
            block.lost += frame.block;
            block.notes.push(Note::Damage { bytes: bytes.len() as u64, reason });
        }
        self.position += frame.block;
        Ok(())
    }

    /// How many samples may be missing before `end`.
    fn longest_gap(&self, end: u64, rate_hz: u32) -> u64 {
        let promised = self.description.samples;
        if promised >= end {
            promised
        } else if promised > 0 {
            0
        } else {
            MAX_UNPROVEN_SECONDS * u64::from(rate_hz)
        }
    }

    fn decoder_of(&mut self, frame: FlacFrame) -> Result<&mut dyn AudioDecoder, Fault> {
        let form = |frame: &FlacFrame| (frame.rate_hz, frame.channels, frame.bits);
        if self.decoder.as_ref().is_none_or(|(made_for, _)| form(made_for) != form(&frame)) {
            let mut parameters = AudioCodecParameters::new();
            parameters.for_codec(CODEC_ID_FLAC).with_extra_data(description_of(frame).into());
            self.decoder = Some((frame, make_decoder(&parameters)?));
        }
        let (_, decoder) = self.decoder.as_mut().expect("invariant: made above");
        Ok(decoder.as_mut())
    }

    /// What to report at the end, where something followed the last frame that is `torn`.
    pub(super) fn end_note(&self, torn_bytes: u64) -> Option<Note> {
        let (promised, there) = (self.description.samples, self.position);
        (promised > there).then(|| {
            let cut = if torn_bytes > 0 { "is cut short: its" } else { "ends early: its" };
            Note::Odd(format!("{cut} header promises {promised} samples, {there} are there"))
        })
    }
}

/// A STREAMINFO for the decoder: frames may be other than their stream's own says.
fn description_of(frame: FlacFrame) -> [u8; DESCRIPTION_BYTES] {
    let mut bytes = [0; DESCRIPTION_BYTES];
    bytes[..4].copy_from_slice(&[0, 16, 0xFF, 0xFF]);
    let form = u64::from(frame.rate_hz) << 44
        | u64::from(frame.channels - 1) << 41
        | u64::from(frame.bits - 1) << 36;
    bytes[10..18].copy_from_slice(&form.to_be_bytes());
    bytes
}

/// Decodes FLAC.
pub(super) struct Flac {
    bytes: ByteReader,
    stream: Option<FlacStream>,
    last: Option<FlacFrame>,
    /// Bytes since the last frame that are none.
    junk: u64,
    looked_at: u64,
    ended: bool,
}

impl Flac {
    /// Reads whatever frames there are in `bytes`.
    pub(super) fn new(bytes: ByteReader) -> Self {
        Self { bytes, stream: None, last: None, junk: 0, looked_at: 0, ended: false }
    }

    /// Reads the description that stands here, and passes over all that comes before the frames.
    fn begin(&mut self, block: &mut Block) -> Result<(), Fault> {
        self.finish_stream(block);
        self.bytes.skip(4)?;
        let mut description = None;
        while let Some([kind, size @ ..]) = self.bytes.peek_array::<4>()? {
            // a frame: no block says that it is the last
            if kind == 0xFF {
                break;
            }
            let size = u32::from_be_bytes([0, size[0], size[1], size[2]]);
            if kind & 0x7F == 0 && description.is_none() {
                let there = self.bytes.peek(4 + DESCRIPTION_BYTES)?;
                description = there.get(4..).and_then(StreamDescription::parse);
            }
            self.bytes.skip(4 + u64::from(size))?;
            if kind & 0x80 != 0 {
                break;
            }
        }
        let description =
            description.ok_or_else(|| Fault::refused("it is a FLAC without a description"))?;
        if self.stream.is_some() {
            block.notes.push(Note::Joined);
        }
        (self.stream, self.last) = (Some(FlacStream::new(description)), None);
        Ok(())
    }

    /// Reports what the stream promised and did not keep.
    fn finish_stream(&mut self, block: &mut Block) {
        let junk = std::mem::take(&mut self.junk);
        block.notes.extend(self.stream.as_ref().and_then(|stream| stream.end_note(junk)));
    }

    /// The frame that stands here, with its length, where a whole one does.
    fn frame(&mut self) -> Result<Option<(FlacFrame, usize)>, Fault> {
        let Some(stream) = &self.stream else { return Ok(None) };
        let description = stream.description;
        let there = self.bytes.peek(MAX_HEAD_BYTES)?;
        let Some(frame) = FlacFrame::parse(there, &description) else { return Ok(None) };
        if self.last.is_some_and(|last| !last.is_like(&frame)) {
            return Ok(None);
        }
        let most = frame.max_bytes().min(MAX_AHEAD - 2 * MAX_HEAD_BYTES);
        let (mut crc, mut at, mut look) = (0, 0, FIRST_LOOK_BYTES.min(most));
        let mut doubtful = Vec::new();
        loop {
            let there = self.bytes.peek(look + MAX_HEAD_BYTES)?;
            let is_all = there.len() < look + MAX_HEAD_BYTES;
            let end = if is_all { there.len() } else { look };
            while at < end {
                crc = crc_16(crc, there[at]);
                at += 1;
                if crc == 0 && at >= frame.min_bytes() {
                    let next = &there[at..];
                    if (next.is_empty() && is_all) || is_boundary(next, &description) {
                        self.looked_at += at as u64;
                        return Ok(Some((frame, at)));
                    }
                    doubtful.push(at);
                }
            }
            if is_all || look >= most {
                break;
            }
            look = (2 * look).min(most);
        }
        self.looked_at += at as u64;
        // damage may begin right behind a good frame
        doubtful.truncate(MAX_DOUBTFUL_ENDS);
        for end in doubtful {
            let bytes = self.bytes.peek(end)?[..end].to_vec();
            let mut stream = FlacStream::new(description);
            let decoder = stream.decoder_of(frame)?;
            if decode(decoder, &bytes, &mut Block::default()).is_ok() {
                return Ok(Some((frame, end)));
            }
        }
        Ok(None)
    }

    /// Passes over what is no frame, up to what may be one.
    fn pass(&mut self) -> Result<(), Fault> {
        let there = self.bytes.peek(SEARCH_BYTES)?;
        let there = &there[..there.len().min(SEARCH_BYTES)];
        let may_begin = |at: &usize| match there[*at..] {
            [0xFF, second, ..] => second & 0xFE == 0xF8,
            [0xFF] => true,
            ref bytes => bytes.starts_with(b"fLaC") || b"fLaC".starts_with(bytes),
        };
        let at = (1..there.len()).find(may_begin).unwrap_or(there.len());
        self.junk += at as u64;
        self.bytes.skip(at as u64)?;
        if self.looked_at > FREE_LOOKS.saturating_add(MAX_VAIN_LOOKS * self.bytes.position()) {
            return Err(Fault::refused("it has too many beginnings of frames without an end"));
        }
        Ok(())
    }
}

/// Whether something begins with `bytes` that may follow a frame.
fn is_boundary(bytes: &[u8], description: &StreamDescription) -> bool {
    FlacFrame::parse(bytes, description).is_some()
        || bytes.starts_with(b"fLaC")
        || tag_bytes(bytes).is_some()
}

impl Decode for Flac {
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        block.clear();
        while !self.ended {
            if self.bytes.peek(4)?.starts_with(b"fLaC") {
                self.begin(block)?;
                continue;
            }
            if let Some((frame, length)) = self.frame()? {
                let bytes = self.bytes.peek(length)?[..length].to_vec();
                self.bytes.skip(length as u64)?;
                let junk = std::mem::take(&mut self.junk);
                self.last = Some(frame);
                if let Some(stream) = &mut self.stream {
                    stream.decode(frame, &bytes, junk, block)?;
                }
                if block.samples.is_empty() {
                    (block.rate_hz, block.channels) = (frame.rate_hz, frame.channels as usize);
                }
                return Ok(true);
            }
            let there = self.bytes.peek(MAX_HEAD_BYTES * 2)?;
            if there.is_empty() {
                self.ended = true;
                self.finish_stream(block);
                return Ok(false);
            }
            match tag_bytes(there).filter(|_| self.junk == 0) {
                Some(count) => {
                    self.bytes.skip(count)?;
                }
                None => self.pass()?,
            }
        }
        Ok(false)
    }
}
