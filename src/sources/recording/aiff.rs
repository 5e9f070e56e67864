//! AIFF and AIFC: walks their chunks whatever sizes their headers claim. Feeds the reader of uncompressed samples.

use super::block::{Fault, Note};
use super::byte_reader::ByteReader;
use super::pcm::{ByteOrder, Extent, Extents, PcmLayout, SampleCode};

/// The longest chunk of properties that says anything.
const MAX_COMMON_BYTES: u64 = 1 << 12;

/// How far behind a chunk's head the next one is searched for, where the chunk's size cannot be right.
const SEARCH_BYTES: usize = 1 << 20;

/// Sizes that writers leave in a header which they cannot come back to.
const UNKNOWN_SIZES: [u64; 4] = [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000];

/// Reads up to the samples.
///
/// # Errors
/// [`Fault`] when properties or samples are missing, or the samples are compressed in a way that is not read.
pub(super) fn open(bytes: &mut ByteReader) -> Result<(AiffSamples, PcmLayout, Extent), Fault> {
    let start = bytes.position();
    let head = bytes.peek(12)?;
    let claimed =
        head.get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_be_bytes);
    let claimed_end = start + 8 + u64::from(claimed);
    bytes.skip(12)?;
    let (mut layout, mut samples) = (None, None);
    while let Some(head) = bytes.peek_array::<8>()? {
        let [a, b, c, d, size @ ..] = head;
        let size = u64::from(u32::from_be_bytes(size));
        match &[a, b, c, d] {
            b"COMM" => {
                let most = 8 + usize::try_from(size.min(MAX_COMMON_BYTES)).unwrap_or(0);
                let there = bytes.peek(most)?;
                layout = Some(properties(&there[..most.min(there.len())][8..])?);
            }
            b"SSND" if samples.is_none() => samples = Some((bytes.position(), size)),
            _ => {}
        }
        if let (Some(layout), Some((at, size))) = (layout, samples) {
            if at != bytes.position() && !bytes.go_to(at)? {
                return Err(Fault::refused("its samples stand before their format"));
            }
            return begin(bytes, size, claimed_end)
                .map(|(samples, extent)| (samples, layout, extent));
        }
        pass(bytes, size)?;
    }
    Err(Fault::refused(match layout {
        Some(_) => "it is an AIFF without a chunk of samples",
        None => "it is an AIFF without a chunk of properties",
    }))
}

/// Passes over a chunk of `size`: with its padding, or without where the next chunk stands right behind it, or to the next
/// chunk that can be found where its size cannot be right.
fn pass(bytes: &mut ByteReader, size: u64) -> Result<(), Fault> {
    let ends = [8 + size + size % 2, 8 + size];
    for end in ends {
        let next = bytes.peek_at(end, 4)?;
        let is_end = next.is_empty() && bytes.left().is_some_and(|left| end <= left + 1);
        let is_name = next.len() == 4 && next.iter().all(|byte| (0x20..0x7F).contains(byte));
        if is_end || is_name {
            bytes.skip(end)?;
            return Ok(());
        }
    }
    bytes.skip(8)?;
    let there = bytes.peek(SEARCH_BYTES)?;
    let mut names = there[..there.len().min(SEARCH_BYTES)].windows(4);
    match names.position(|name| name == b"COMM" || name == b"SSND") {
        Some(at) => bytes.skip(at as u64)?,
        None => bytes.skip(size + size % 2)?,
    };
    Ok(())
}

fn begin(
    bytes: &mut ByteReader,
    size: u64,
    claimed_end: u64,
) -> Result<(AiffSamples, Extent), Fault> {
    let head = bytes.peek(16)?;
    let offset = head.get(8..12).and_then(|offset| offset.try_into().ok());
    let offset = u64::from(offset.map_or(0, u32::from_be_bytes));
    bytes.skip(16)?;
    let left = bytes.left();
    // an offset that leads out of the file is none
    let offset = if left.is_none_or(|left| offset < left) { offset } else { 0 };
    bytes.skip(offset)?;
    let extent = if UNKNOWN_SIZES.contains(&size) {
        Extent::ToTheEnd
    } else {
        Extent::Bytes(size.saturating_sub(8 + offset))
    };
    let end = left.map(|left| bytes.position() + left - offset);
    let is_cut_short = end.is_none_or(|end| claimed_end > end + 1);
    Ok((AiffSamples { is_cut_short }, extent))
}

/// What the chunk of properties says.
fn properties(common: &[u8]) -> Result<PcmLayout, Fault> {
    let short = || Fault::refused("its chunk of properties is too short");
    let two = |at: usize| {
        let bytes = common.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u16::from_be_bytes).ok_or_else(short)
    };
    let (channels, bits) = (two(0)?, u32::from(two(6)?));
    let rate_hz = common.get(8..18).and_then(|rate| rate.try_into().ok()).map(extended);
    let rate_hz = rate_hz.ok_or_else(short)?;
    let compression: [u8; 4] =
        common.get(18..22).and_then(|id| id.try_into().ok()).unwrap_or(*b"NONE");
    let big = ByteOrder::Big;
    let code = match &compression {
        b"NONE" | b"twos" => SampleCode::signed(bits, big),
        b"sowt" => SampleCode::signed(bits, ByteOrder::Little),
        b"raw " => Some(SampleCode::Linear(super::super::PcmFormat::U8)),
        b"in24" => SampleCode::signed(24, big),
        b"in32" => SampleCode::signed(32, big),
        b"42ni" => SampleCode::signed(24, ByteOrder::Little),
        b"23ni" => SampleCode::signed(32, ByteOrder::Little),
        b"fl32" | b"FL32" => SampleCode::float(32, big),
        b"fl64" | b"FL64" => SampleCode::float(64, big),
        b"alaw" | b"ALAW" => Some(SampleCode::ALaw),
        b"ulaw" | b"ULAW" => Some(SampleCode::MuLaw),
        other => {
            let name = String::from_utf8_lossy(other);
            return Err(Fault::refused(format!("an AIFF of the compression {name:?}")));
        }
    };
    let code =
        code.ok_or_else(|| Fault::refused(format!("its header claims integers of {bits} bits")))?;
    PcmLayout { code, rate_hz, channels }.checked()
}

/// A float of 80 bits, as a whole number; 0 for what is none.
fn extended([a, b, mantissa @ ..]: [u8; 10]) -> u32 {
    let exponent = i32::from(u16::from_be_bytes([a, b])) - 16_383;
    let value = u64::from_be_bytes(mantissa) as f64 * 2.0f64.powi(exponent - 63);
    // a rate beyond any number saturates, and is refused as a rate
    value.round() as u32
}

/// The one chunk of samples.
pub(super) struct AiffSamples {
    /// Whether the file as a whole claims to be longer than it is, not only its samples.
    is_cut_short: bool,
}

impl Extents for AiffSamples {
    fn next_extent(&mut self, _bytes: &mut ByteReader) -> Result<Extent, Fault> {
        Ok(Extent::None)
    }

    fn notes(&mut self, missing: u64) -> Vec<Note> {
        let cut = missing > 0 && self.is_cut_short;
        let note = format!("is cut short: {missing} bytes of samples are missing");
        cut.then_some(Note::Odd(note)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_80_bits_is_read() {
        assert_eq!(extended([0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]), 8_000);
        assert_eq!(extended([0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0]), 44_100);
        assert_eq!(extended([0; 10]), 0);
        assert_eq!(extended([0x7F; 10]), u32::MAX);
    }
}
