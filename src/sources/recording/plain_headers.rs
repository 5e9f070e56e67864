//! The headers of AU, NIST SPHERE and CAF: a format, then samples up to the end. Feed the reader of uncompressed samples.

use super::block::{Fault, Note};
use super::byte_reader::ByteReader;
use super::pcm::{ByteOrder, Extent, Extents, PcmLayout, SampleCode};

/// The longest header of text.
const MAX_TEXT_BYTES: usize = 1 << 16;

/// Samples in one stretch.
pub(super) struct OneStretch;

impl Extents for OneStretch {
    fn next_extent(&mut self, _bytes: &mut ByteReader) -> Result<Extent, Fault> {
        Ok(Extent::None)
    }

    fn notes(&mut self, missing: u64) -> Vec<Note> {
        let note = format!("is cut short: {missing} bytes of samples are missing");
        (missing > 0).then_some(Note::Odd(note)).into_iter().collect()
    }
}

/// Sun's and NeXT's AU, of either byte order.
///
/// # Errors
/// [`Fault`] when the header is cut off, or its encoding is not read.
pub(super) fn open_au(bytes: &mut ByteReader) -> Result<(PcmLayout, Extent), Fault> {
    let head = bytes.peek_array::<24>()?;
    let head = head.ok_or_else(|| Fault::refused("it is an AU without a whole header"))?;
    let order = if head.starts_with(b".snd") { ByteOrder::Big } else { ByteOrder::Little };
    let word = |index: usize| {
        let bytes = head[4 * index..4 * index + 4].try_into();
        order.u32(bytes.expect("invariant: four of 24 bytes"))
    };
    let (offset, size, encoding) = (word(1), u64::from(word(2)), word(3));
    let code = match encoding {
        1 => Some(SampleCode::MuLaw),
        2..=5 => SampleCode::signed((encoding - 1) * 8, order),
        6 => SampleCode::float(32, order),
        7 => SampleCode::float(64, order),
        27 => Some(SampleCode::ALaw),
        _ => None,
    };
    let code = code.ok_or_else(|| Fault::refused(format!("an AU of the encoding {encoding}")))?;
    let channels = u16::try_from(word(5)).unwrap_or(u16::MAX);
    let layout = PcmLayout { code, rate_hz: word(4), channels }.checked()?;
    bytes.skip(u64::from(offset.max(24)))?;
    let is_unknown = size == 0 || size >= 0x7FFF_0000;
    Ok((layout, if is_unknown { Extent::ToTheEnd } else { Extent::Bytes(size) }))
}

/// NIST SPHERE, as corpora of speech have it.
///
/// # Errors
/// [`Fault`] when a field is missing, or the samples are compressed.
pub(super) fn open_sphere(bytes: &mut ByteReader) -> Result<(PcmLayout, Extent), Fault> {
    let there = bytes.peek(16)?;
    let size = there.get(8..16).and_then(|size| std::str::from_utf8(size).ok());
    let size: usize = size.and_then(|size| size.trim().parse().ok()).unwrap_or(1024);
    let size = size.min(MAX_TEXT_BYTES);
    let there = bytes.peek(size)?;
    let text = String::from_utf8_lossy(&there[..size.min(there.len())]).into_owned();
    let field = |name: &str| {
        let mut lines = text.lines().map(str::split_whitespace);
        let mut line =
            lines.find_map(|mut words| words.next().filter(|&word| word == name).map(|_| words))?;
        line.nth(1)
    };
    let number = |name: &str, usual: u32| {
        field(name).map_or(Some(usual), |value| value.parse().ok()).unwrap_or(0)
    };
    let order =
        if field("sample_byte_format") == Some("10") { ByteOrder::Big } else { ByteOrder::Little };
    let coding = field("sample_coding").unwrap_or("pcm");
    let code = match coding {
        "pcm" => SampleCode::signed(8 * number("sample_n_bytes", 2), order),
        "ulaw" | "mu-law" => Some(SampleCode::MuLaw),
        "alaw" => Some(SampleCode::ALaw),
        _ => None,
    };
    let code = code.ok_or_else(|| Fault::refused(format!("a SPHERE of the coding {coding:?}")))?;
    let channels = u16::try_from(number("channel_count", 1)).unwrap_or(u16::MAX);
    let layout = PcmLayout { code, rate_hz: number("sample_rate", 16_000), channels }.checked()?;
    bytes.skip(size as u64)?;
    Ok((layout, Extent::ToTheEnd))
}

/// Apple's CAF, where its samples are not compressed; none where they are, and nothing is passed over then.
///
/// # Errors
/// [`Fault`] when its description fits no samples, or there are none.
pub(super) fn open_caf(bytes: &mut ByteReader) -> Result<Option<(PcmLayout, Extent)>, Fault> {
    let Some(head) = bytes.peek_array::<52>()? else {
        return Err(Fault::refused("it is a CAF without a whole header"));
    };
    let (description, body) = (&head[8..12], &head[20..52]);
    if description != b"desc" || &body[8..12] != b"lpcm" {
        return Ok(None);
    }
    let word = |at: usize| {
        u32::from_be_bytes(body[at..at + 4].try_into().expect("invariant: four of 32 bytes"))
    };
    let rate_hz = f64::from_be_bytes(body[..8].try_into().expect("invariant: eight of 32 bytes"));
    let (flags, channels, bits) = (word(12), word(24), word(28));
    let order = if flags & 2 == 0 { ByteOrder::Big } else { ByteOrder::Little };
    let code = if flags & 1 == 1 {
        SampleCode::float(bits, order)
    } else {
        SampleCode::signed(bits, order)
    };
    let code =
        code.ok_or_else(|| Fault::refused(format!("its header claims samples of {bits} bits")))?;
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    let layout = PcmLayout { code, rate_hz: rate_hz.round() as u32, channels }.checked()?;
    bytes.skip(8)?;
    while let Some(head) = bytes.peek_array::<12>()? {
        let [id @ .., _, _, _, _, _, _, _, _] = head;
        let size = i64::from_be_bytes(head[4..].try_into().expect("invariant: eight of 12 bytes"));
        bytes.skip(12)?;
        if &id == b"data" {
            // a count of edits comes first
            bytes.skip(4)?;
            let extent = match u64::try_from(size) {
                Ok(0) | Err(_) => Extent::ToTheEnd,
                Ok(size) => Extent::Bytes(size.saturating_sub(4)),
            };
            return Ok(Some((layout, extent)));
        }
        bytes.skip(u64::try_from(size).unwrap_or(0))?;
    }
    Err(Fault::refused("it is a CAF without a chunk of samples"))
}
