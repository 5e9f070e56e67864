//! Uncompressed sound in a container: how its samples are laid out, and the reader that decodes them. Fed by the headers of
//! WAV, AIFF and their relatives; feeds the reader of recordings.

use super::super::PcmFormat;
use super::super::limits::MAX_CHANNELS;
use super::block::{Block, Decode, Fault, Note};
use super::byte_reader::ByteReader;

/// Bytes decoded at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// How one sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SampleCode {
    /// As a number.
    Linear(PcmFormat),
    /// G.711, A-law.
    ALaw,
    /// G.711, µ-law.
    MuLaw,
}

impl SampleCode {
    fn bytes(self) -> usize {
        match self {
            Self::Linear(format) => format.bytes(),
            Self::ALaw | Self::MuLaw => 1,
        }
    }

    fn decode_into(self, bytes: &[u8], samples: &mut Vec<f32>) {
        match self {
            Self::Linear(format) => format.decode_into(bytes, samples),
            Self::ALaw => samples.extend(bytes.iter().map(|&code| a_law(code))),
            Self::MuLaw => samples.extend(bytes.iter().map(|&code| mu_law(code))),
        }
    }

    /// Integers of so many bits, in as many whole bytes.
    pub(super) fn signed(bits: u32, order: ByteOrder) -> Option<Self> {
        let format = match (bits.div_ceil(8), order) {
            (1, _) => PcmFormat::S8,
            (2, ByteOrder::Little) => PcmFormat::S16Le,
            (2, ByteOrder::Big) => PcmFormat::S16Be,
            (3, ByteOrder::Little) => PcmFormat::S24Le,
            (3, ByteOrder::Big) => PcmFormat::S24Be,
            (4, ByteOrder::Little) => PcmFormat::S32Le,
            (4, ByteOrder::Big) => PcmFormat::S32Be,
            _ => return None,
        };
        Some(Self::Linear(format))
    }

    /// Floats of so many bits.
    pub(super) fn float(bits: u32, order: ByteOrder) -> Option<Self> {
        let format = match (bits, order) {
            (32, ByteOrder::Little) => PcmFormat::F32Le,
            (32, ByteOrder::Big) => PcmFormat::F32Be,
            (64, ByteOrder::Little) => PcmFormat::F64Le,
            (64, ByteOrder::Big) => PcmFormat::F64Be,
            _ => return None,
        };
        Some(Self::Linear(format))
    }
}

/// The order of a number's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// # Source
/// ITU-T G.711, table 1a, at 13 bits in 16.
fn a_law(code: u8) -> f32 {
    let code = code ^ 0x55;
    let (exponent, mantissa) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    (if code & 0x80 == 0 { -magnitude } else { magnitude }) as f32 / 32_768.0
}

/// # Source
/// ITU-T G.711, table 2a, at 14 bits in 16.
fn mu_law(code: u8) -> f32 {
    let code = !code;
    let (exponent, mantissa) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    (if code & 0x80 == 0 { magnitude } else { -magnitude }) as f32 / 32_768.0
}

/// How the samples of a container are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PcmLayout {
    pub(super) code: SampleCode,
    pub(super) rate_hz: u32,
    pub(super) channels: u16,
}

impl PcmLayout {
    /// Checks the number of channels.
    ///
    /// # Errors
    /// [`Fault::Refused`].
    pub(super) fn checked(self) -> Result<Self, Fault> {
        match self.channels {
            0 => Err(Fault::refused("its header claims no channel")),
            1..=MAX_CHANNELS => Ok(self),
            channels => Err(Fault::refused(format!(
                "it claims {channels} channels; at most {MAX_CHANNELS} are read. Its header is damaged, or it needs to \
                 be mixed down"
            ))),
        }
    }

    fn frame_bytes(self) -> usize {
        self.code.bytes() * usize::from(self.channels)
    }
}

/// Where the samples of a container lie.
pub(super) trait Extents: Send {
    /// Goes to the next stretch of samples, and says how long it is: none without an end, `Some(0)` after the last.
    ///
    /// # Errors
    /// [`Fault`] when the container cannot be followed further.
    fn next_extent(&mut self, bytes: &mut ByteReader) -> Result<Extent, Fault>;

    /// What to report after the last of them, when `missing` bytes of a promised stretch are not there.
    fn notes(&mut self, missing: u64) -> Vec<Note>;
}

/// A stretch of samples in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// So many bytes.
    Bytes(u64),
    /// Whatever comes.
    ToTheEnd,
    /// There is none any more.
    None,
}

/// Decodes uncompressed samples.
pub(super) struct PcmStretches<E> {
    bytes: ByteReader,
    layout: PcmLayout,
    extents: E,
    extent: Extent,
    ended: bool,
}

impl<E: Extents> PcmStretches<E> {
    /// Begins with the `extent` that `bytes` stands at.
    pub(super) fn new(bytes: ByteReader, layout: PcmLayout, extents: E, extent: Extent) -> Self {
        Self { bytes, layout, extents, extent, ended: false }
    }

    fn end(&mut self, missing: u64, block: &mut Block) -> Result<bool, Fault> {
        self.ended = true;
        block.notes.extend(self.extents.notes(missing));
        Ok(false)
    }
}

impl<E: Extents> Decode for PcmStretches<E> {
    fn has_floats(&self) -> bool {
        use PcmFormat::{F32Be, F32Le, F64Be, F64Le};
        matches!(self.layout.code, SampleCode::Linear(F32Le | F32Be | F64Le | F64Be))
    }

    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        block.clear();
        block.rate_hz = self.layout.rate_hz;
        block.channels = usize::from(self.layout.channels);
        let frame_bytes = self.layout.frame_bytes();
        while !self.ended {
            let left = match self.extent {
                Extent::None => return self.end(0, block),
                Extent::ToTheEnd => u64::MAX,
                Extent::Bytes(left) => left,
            };
            if left < frame_bytes as u64 {
                self.bytes.skip(left)?;
                self.extent = self.extents.next_extent(&mut self.bytes)?;
                continue;
            }
            // as soon as there is a frame: more may be long in coming
            let there = self.bytes.peek(frame_bytes)?;
            let most = there.len().min(BLOCK_BYTES.max(frame_bytes));
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(most);
            let whole = count - count % frame_bytes;
            if whole == 0 {
                let missing = if self.extent == Extent::ToTheEnd { 0 } else { left };
                return self.end(missing, block);
            }
            self.layout.code.decode_into(&there[..whole], &mut block.samples);
            self.bytes.skip(whole as u64)?;
            if let Extent::Bytes(left) = &mut self.extent {
                *left -= whole as u64;
            }
            return Ok(true);
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_laws_of_g_711_decode_to_their_tables() {
        let of = |value: f32| (value * 32_768.0) as i32;
        assert_eq!([0x00, 0x80, 0x7F, 0xFF].map(|code| of(mu_law(code))), [-32_124, 32_124, 0, 0]);
        assert_eq!([0xD5, 0x55, 0xAA, 0x2A].map(|code| of(a_law(code))), [8, -8, 32_256, -32_256]);
    }
}
