//! WAV and its relatives RIFX, RF64, BW64 and Wave64: walks their chunks whatever sizes their headers claim. Feeds the reader
//! of uncompressed samples, or that of what is compressed in them.

use super::block::{Fault, Note};
use super::byte_reader::ByteReader;
use super::pcm::{ByteOrder, Extent, Extents, PcmLayout, SampleCode};

/// The longest format chunk that says anything.
const MAX_FORMAT_BYTES: u64 = 1 << 16;

/// How far behind a chunk's head the next one is searched for, where the chunk's size cannot be right.
const SEARCH_BYTES: usize = 1 << 20;

/// Sizes that writers leave in a header which they cannot come back to: ffmpeg, sox, arecord and others.
const UNKNOWN_SIZES: [u64; 5] = [0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000, 0x8000_0000, 0xFFFF_F000];

/// Sizes from here on are no promise where the file is shorter: nobody has lost that much of a recording.
const INCREDIBLE_SIZE: u64 = 0x7FFF_0000;

/// Bytes behind the last chunk that are no chunk and still not worth a word: padding, tags.
const MAX_TAIL_BYTES: u64 = 4096;

/// Chunks that stand in such files; what looks like one of them is one, and no sound.
const KNOWN_CHUNKS: [&[u8; 4]; 40] = [
    b"data", b"fmt ", b"fact", b"LIST", b"cue ", b"id3 ", b"ID3 ", b"bext", b"iXML", b"JUNK",
    b"junk", b"PAD ", b"smpl", b"inst", b"afsp", b"_PMX", b"axml", b"chna", b"umid", b"note",
    b"labl", b"plst", b"acid", b"strc", b"FLLR", b"PEAK", b"levl", b"minf", b"elm1", b"regn",
    b"DISP", b"cart", b"r64m", b"ds64", b"qlty", b"MEXT", b"link", b"ovwf", b"LGWV", b"AFAn",
];

/// How the chunks of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// RIFF, RF64 and BW64: sizes of 32 bits.
    Riff,
    /// RIFX: the same, big-endian.
    Rifx,
    /// Wave64: names of 16 bytes, sizes of 64 bits that count the head.
    Wave64,
}

/// What Wave64 begins with.
pub(super) const WAVE64_ID: [u8; 16] =
    [0x72, 0x69, 0x66, 0x66, 0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0];

/// A chunk's head.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    id: [u8; 4],
    size: u64,
}

impl Dialect {
    fn order(self) -> ByteOrder {
        match self {
            Self::Riff | Self::Wave64 => ByteOrder::Little,
            Self::Rifx => ByteOrder::Big,
        }
    }

    fn head_bytes(self) -> u64 {
        match self {
            Self::Riff | Self::Rifx => 8,
            Self::Wave64 => 24,
        }
    }

    /// The head that `bytes` begin with.
    fn head(self, bytes: &[u8]) -> Option<Chunk> {
        let id = *bytes.first_chunk::<4>()?;
        let size = match self {
            Self::Riff | Self::Rifx => {
                u64::from(self.order().u32(bytes.get(4..8)?.try_into().ok()?))
            }
            Self::Wave64 => {
                u64::from_le_bytes(bytes.get(16..24)?.try_into().ok()?).saturating_sub(24)
            }
        };
        Some(Chunk { id, size })
    }

    /// How many bytes of padding follow a chunk of `size`.
    fn padding(self, size: u64) -> u64 {
        match self {
            Self::Riff | Self::Rifx => size % 2,
            Self::Wave64 => size.wrapping_neg() % 8,
        }
    }
}

fn is_known(id: [u8; 4]) -> bool {
    KNOWN_CHUNKS.contains(&&id)
}

fn is_name(id: [u8; 4]) -> bool {
    id.iter().all(|byte| (0x20..0x7F).contains(byte))
}

/// The format chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WaveFormat {
    /// The code of the samples' format, that of an extensible one where it is.
    pub(super) tag: u16,
    pub(super) channels: u16,
    pub(super) rate_hz: u32,
    pub(super) block_bytes: u16,
    pub(super) bits: u16,
    /// Samples in a block of ADPCM, where the chunk says.
    pub(super) block_frames: Option<u16>,
    /// RIFX holds big-endian samples, the others little-endian ones.
    order: ByteOrder,
}

/// Formats by the codes of `mmreg.h`.
pub(super) const PCM: u16 = 1;
pub(super) const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
pub(super) const IMA_ADPCM: u16 = 0x11;
pub(super) const MPEG: u16 = 0x50;
pub(super) const MP3: u16 = 0x55;
const EXTENSIBLE: u16 = 0xFFFE;

impl WaveFormat {
    fn parse(bytes: &[u8], order: ByteOrder) -> Option<Self> {
        let two = |at: usize| Some(order.u16(bytes.get(at..at + 2)?.try_into().ok()?));
        let four = |at: usize| Some(order.u32(bytes.get(at..at + 4)?.try_into().ok()?));
        let (mut tag, channels, rate_hz, block_bytes) = (two(0)?, two(2)?, four(4)?, two(12)?);
        // WAVEFORMAT, the oldest form, ends before the bits
        let bits = two(14).unwrap_or((block_bytes / channels.max(1)).saturating_mul(8));
        if tag == EXTENSIBLE {
            // without its extension, what else but integers; a GUID of zeros names no format either
            tag = two(24).filter(|&code| code != 0).unwrap_or(PCM);
        }
        Some(Self { tag, channels, rate_hz, block_bytes, bits, block_frames: two(18), order })
    }

    /// How its samples are laid out; none of what is compressed.
    ///
    /// # Errors
    /// [`Fault::Refused`] for sizes that no sample has.
    pub(super) fn layout(&self) -> Result<Option<PcmLayout>, Fault> {
        let bits = u32::from(self.bits);
        let code = match self.tag {
            PCM if (1..=8).contains(&bits) => Some(SampleCode::Linear(super::super::PcmFormat::U8)),
            PCM => SampleCode::signed(self.sample_bits(), self.order),
            FLOAT => SampleCode::float(bits, self.order),
            A_LAW => Some(SampleCode::ALaw),
            MU_LAW => Some(SampleCode::MuLaw),
            _ => return Ok(None),
        };
        let code = code.ok_or_else(|| {
            let kind = if self.tag == FLOAT { "floats" } else { "integers" };
            Fault::refused(format!("its header claims {kind} of {bits} bits"))
        })?;
        let (rate_hz, channels) = (self.rate_hz, self.channels);
        PcmLayout { code, rate_hz, channels }.checked().map(Some)
    }

    /// Bits that one sample takes: those it has, unless they are no whole bytes and its block has room for more.
    fn sample_bits(&self) -> u32 {
        let bits = u32::from(self.bits);
        let room = u32::from(self.block_bytes / self.channels.max(1)) * 8;
        if bits.is_multiple_of(8) || room < bits || room > 32 { bits } else { room }
    }

    /// The format's name, where it is one that is not read.
    pub(super) fn unread_name(&self) -> String {
        let name = match self.tag {
            0x31 => "GSM 6.10",
            0x45 | 0x14 | 0x40 | 0x64 => "G.726 ADPCM",
            0x65 | 0x28F => "G.722",
            0x20 => "Yamaha ADPCM",
            0x160..=0x162 => "Windows Media Audio",
            0xFF | 0x1600 | 0x1610 => "AAC",
            0x2000 => "AC-3",
            0x2001 => "DTS",
            0x674F..=0x6771 => "Vorbis",
            0x704F => "Opus",
            0xA109 => "Speex",
            0xF1AC => "FLAC",
            _ => return format!("a WAV of the unknown format 0x{:04X}", self.tag),
        };
        format!("a WAV that holds {name}")
    }
}

/// Walks the chunks of a WAV.
pub(super) struct WaveChunks {
    dialect: Dialect,
    /// Where the file ends, as its first eight bytes claim.
    claimed_end: Option<u64>,
    /// The size of the samples that a file of 64 bits claims.
    wide_data_size: Option<u64>,
    format: Option<WaveFormat>,
    /// Frames, as the fact chunk claims.
    pub(super) fact_frames: Option<u64>,
    /// Samples that stood before the format.
    early_data: Option<u64>,
    has_samples: bool,
    /// Whether the file as a whole claims to be longer than it is, not only the last chunk of samples.
    is_cut_short: bool,
    tail_bytes: u64,
}

impl WaveChunks {
    /// Reads up to the first samples.
    ///
    /// # Errors
    /// [`Fault`] when there is no format, or there are no samples.
    pub(super) fn open(bytes: &mut ByteReader) -> Result<(Self, WaveFormat, Extent), Fault> {
        let start = bytes.position();
        let head = bytes.peek(40)?;
        let wide = head.starts_with(b"RF64") || head.starts_with(b"BW64");
        let dialect = if head.starts_with(&WAVE64_ID) {
            Dialect::Wave64
        } else if head.starts_with(b"RIFX") {
            Dialect::Rifx
        } else {
            Dialect::Riff
        };
        let claimed = dialect.head(head).map_or(0, |chunk| chunk.size);
        let claimed = claimed.saturating_add(start).saturating_add(dialect.head_bytes());
        let skipped = if dialect == Dialect::Wave64 { 40 } else { 12 };
        bytes.skip(skipped)?;
        let mut chunks = Self {
            dialect,
            claimed_end: Some(claimed).filter(|_| !wide),
            wide_data_size: None,
            format: None,
            fact_frames: None,
            early_data: None,
            has_samples: false,
            is_cut_short: false,
            tail_bytes: 0,
        };
        let mut extent = chunks.walk(bytes)?;
        if let (Extent::None, Some(early)) = (extent, chunks.early_data)
            && chunks.format.is_some()
            && bytes.go_to(early)?
        {
            extent = chunks.walk(bytes)?;
        }
        match chunks.format {
            Some(format) => Ok((chunks, format, extent)),
            None => Err(Fault::refused("it is a WAV without a format chunk")),
        }
    }

    /// Goes on to the next chunk of samples.
    fn walk(&mut self, bytes: &mut ByteReader) -> Result<Extent, Fault> {
        let head_bytes = self.dialect.head_bytes();
        loop {
            let head = bytes.peek(usize::try_from(head_bytes).expect("invariant: 8 or 24"))?;
            let Some(chunk) = self.dialect.head(head) else { return Ok(Extent::None) };
            if !is_name(chunk.id) && (chunk.size > 0 || self.has_samples) {
                if self.has_samples || !self.search(bytes)? {
                    self.tail_bytes = bytes.left().unwrap_or(0);
                    return Ok(Extent::None);
                }
                continue;
            }
            match &chunk.id {
                b"data" if self.format.is_some() => {
                    bytes.skip(head_bytes)?;
                    let extent = self.extent(chunk.size, bytes)?;
                    if extent != Extent::Bytes(0) {
                        return Ok(extent);
                    }
                    continue;
                }
                b"data" if self.early_data.is_none() => {
                    self.early_data = Some(bytes.position());
                }
                b"LIST" if bytes.peek(12)?.get(8..12) == Some(b"wavl") => {
                    bytes.skip(head_bytes + 4)?;
                    continue;
                }
                b"fmt " | b"fact" | b"ds64" => {
                    let most = chunk.size.min(MAX_FORMAT_BYTES) + head_bytes;
                    let most = usize::try_from(most).expect("invariant: at most 64 KiB");
                    let there = bytes.peek(most)?;
                    let body = there[..most.min(there.len())].get(head_bytes as usize..);
                    self.remember(chunk.id, body.unwrap_or_default());
                }
                _ => {}
            }
            self.pass(chunk, bytes)?;
        }
    }

    fn remember(&mut self, id: [u8; 4], body: &[u8]) {
        match &id {
            b"fmt " if self.format.is_none() => {
                self.format = WaveFormat::parse(body, self.dialect.order());
            }
            b"fact" => {
                let frames = body.first_chunk().map(|&frames| self.dialect.order().u32(frames));
                self.fact_frames = frames.map(u64::from).filter(|&frames| frames > 0);
            }
            b"ds64" => {
                let size = body.get(8..16).and_then(|size| size.try_into().ok());
                self.wide_data_size = size.map(u64::from_le_bytes);
            }
            _ => {}
        }
    }

    /// Passes over a chunk that holds no samples: by its size where a chunk or the end stands behind it, with its padding
    /// or without; else by looking for the next one.
    fn pass(&mut self, chunk: Chunk, bytes: &mut ByteReader) -> Result<(), Fault> {
        let head_bytes = self.dialect.head_bytes();
        let end = head_bytes.saturating_add(chunk.size);
        let padded = end.saturating_add(self.dialect.padding(chunk.size));
        // a sound's samples may follow at once where the header of their chunk is not known
        for end in [padded, end] {
            if self.is_head(&bytes.peek_at(end, 8)?, end, bytes, is_known) {
                bytes.skip(end)?;
                return Ok(());
            }
        }
        let fits = |end: u64| bytes.left().is_none_or(|left| end <= left);
        if fits(end) {
            let next = bytes.peek_at(padded, 8)?;
            if next.len() < 8 || self.is_head(&next, padded, bytes, is_name) {
                bytes.skip(padded)?;
                return Ok(());
            }
        }
        let from = bytes.position();
        bytes.skip(head_bytes)?;
        if self.search(bytes)? {
            log::debug!("the chunk at byte {from} lies about its length");
            return Ok(());
        }
        bytes.skip(padded - head_bytes)?;
        Ok(())
    }

    /// Whether a chunk begins with `head`, `ahead` of the next byte.
    fn is_head(
        &self,
        head: &[u8],
        ahead: u64,
        bytes: &ByteReader,
        is_id: fn([u8; 4]) -> bool,
    ) -> bool {
        let Some(id) = head.first_chunk::<4>() else { return false };
        if !is_id(*id) {
            return false;
        }
        // samples come in any size; of the others, no size may reach beyond the end
        let size = head.get(4..8).and_then(|size| size.try_into().ok());
        let size = size.map_or(0, |size| u64::from(self.dialect.order().u32(size)));
        let fits = bytes.left().is_none_or(|left| ahead.saturating_add(8 + size) <= left + 1);
        id == b"data" || self.dialect == Dialect::Wave64 || fits
    }

    /// Goes to the next chunk of samples or of their format that can be found nearby.
    fn search(&self, bytes: &mut ByteReader) -> Result<bool, Fault> {
        let there = bytes.peek(SEARCH_BYTES)?;
        let there = &there[..there.len().min(SEARCH_BYTES)];
        let wanted: &[u8] = if self.format.is_some() { b"data" } else { b"fmt " };
        let Some(at) = there.windows(4).position(|id| id == wanted) else { return Ok(false) };
        bytes.skip(at as u64)?;
        Ok(true)
    }

    /// How long the samples are that follow a head with `size`.
    fn extent(&mut self, size: u64, bytes: &mut ByteReader) -> Result<Extent, Fault> {
        let size = match self.wide_data_size {
            Some(wide) if size == 0xFFFF_FFFF => wide,
            _ => size,
        };
        if size == 0 {
            let next = bytes.peek(8)?.to_vec();
            let is_empty = next.is_empty() || self.is_head(&next, 0, bytes, is_known);
            self.has_samples |= !is_empty;
            return Ok(if is_empty { Extent::Bytes(0) } else { Extent::ToTheEnd });
        }
        self.has_samples = true;
        if UNKNOWN_SIZES.contains(&size) {
            return Ok(Extent::ToTheEnd);
        }
        let Some(left) = bytes.left() else {
            self.is_cut_short = true;
            return Ok(if size >= INCREDIBLE_SIZE {
                Extent::ToTheEnd
            } else {
                Extent::Bytes(size)
            });
        };
        // sizes of 32 bits that went round
        let wrapped = self.wide_data_size.is_none()
            && self.dialect != Dialect::Wave64
            && left > u64::from(u32::MAX)
            && (left & u64::from(u32::MAX)).abs_diff(size) <= SEARCH_BYTES as u64;
        if wrapped || (size > left && size >= INCREDIBLE_SIZE && self.wide_data_size.is_none()) {
            return Ok(Extent::ToTheEnd);
        }
        let end = bytes.position() + left;
        self.is_cut_short = self.claimed_end.is_none_or(|claimed| claimed > end + 1);
        Ok(Extent::Bytes(size))
    }
}

impl Extents for WaveChunks {
    fn next_extent(&mut self, bytes: &mut ByteReader) -> Result<Extent, Fault> {
        // the padding of an odd chunk, unless a chunk begins right there
        if bytes.position() % 2 == 1 && self.dialect != Dialect::Wave64 {
            let next = bytes.peek(9)?.to_vec();
            let known = |at: usize| next.get(at..at + 4).and_then(|id| id.try_into().ok());
            let unpadded = known(0).is_some_and(is_known) && !known(1).is_some_and(is_known);
            bytes.skip(u64::from(!unpadded))?;
        } else if self.dialect == Dialect::Wave64 {
            bytes.skip(self.dialect.padding(bytes.position()))?;
        }
        self.walk(bytes)
    }

    fn notes(&mut self, missing: u64) -> Vec<Note> {
        let mut notes = Vec::new();
        if missing > 0 && self.is_cut_short {
            notes.push(Note::Odd(format!("is cut short: {missing} bytes of samples are missing")));
        }
        if self.tail_bytes > MAX_TAIL_BYTES {
            notes.push(Note::Odd(format!(
                "has {} bytes behind its samples that are no chunk, and are not read; if they are sound, its header is \
                 wrong",
                self.tail_bytes
            )));
        }
        notes
    }
}
