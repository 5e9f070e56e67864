//! The head of an MPEG audio frame, the tags that stand between such frames, and the head frame that encoders put before a
//! recording. Read by the MPEG reader, which walks from one to the next.

/// Bytes of a head.
pub(super) const HEAD_BYTES: usize = 4;

/// Layer I, II or III.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    One,
    Two,
    Three,
}

/// What a frame's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MpegFrame {
    pub(super) layer: Layer,
    pub(super) rate_hz: u32,
    pub(super) channels: usize,
    /// Of the whole frame.
    pub(super) bytes: usize,
    /// Samples of one channel.
    pub(super) samples: u64,
    /// Whether it is MPEG 1, not 2 or 2.5.
    is_first_version: bool,
}

/// kbit/s of MPEG 1, layers I, II and III, and of MPEG 2, layer I and the others.
const BIT_RATES: [[u32; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl MpegFrame {
    /// The frame that `bytes` begin with, where they begin with one.
    ///
    /// # Source
    /// ISO/IEC 11172-3 and 13818-3, 2.4.1.3 and 2.4.2.3.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let word = u32::from_be_bytes(*bytes.first_chunk()?);
        let field = |shift: u32, bits: u32| (word >> shift & ((1 << bits) - 1)) as usize;
        if field(21, 11) != 0x7FF || field(0, 2) == 2 {
            return None;
        }
        let (version, layer) = (field(19, 2), field(17, 2));
        let layer = [Layer::Three, Layer::Two, Layer::One].get(layer.checked_sub(1)?).copied()?;
        let is_first_version = version == 3;
        let halvings = match version {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let table = match (is_first_version, layer) {
            (true, Layer::One) => 0,
            (true, Layer::Two) => 1,
            (true, Layer::Three) => 2,
            (false, Layer::One) => 3,
            (false, _) => 4,
        };
        let kbits = BIT_RATES[table].get(field(12, 4)).copied().filter(|&kbits| kbits > 0)?;
        let rate_hz = [44_100, 48_000, 32_000].get(field(10, 2)).copied()? >> halvings;
        let padding = field(9, 1) as u32;
        let (bytes, samples) = match layer {
            Layer::One => ((12_000 * kbits / rate_hz + padding) * 4, 384),
            Layer::Three if !is_first_version => (72_000 * kbits / rate_hz + padding, 576),
            Layer::Two | Layer::Three => (144_000 * kbits / rate_hz + padding, 1152),
        };
        let bytes = bytes as usize;
        let channels = if field(6, 2) == 3 { 1 } else { 2 };
        (bytes > HEAD_BYTES).then_some(Self {
            layer,
            rate_hz,
            channels,
            bytes,
            samples,
            is_first_version,
        })
    }

    /// Whether `other` may follow in the same recording.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.layer, self.rate_hz, self.is_first_version)
            == (other.layer, other.rate_hz, other.is_first_version)
    }

    /// What this frame says of the recording that it begins, where it holds that instead of sound. `bytes` are the whole frame.
    ///
    /// # Source
    /// The tags of Xing, LAME and Fraunhofer (VBRI), as LAME 3.100 and the decoders of FFmpeg have them.
    pub(super) fn description(&self, bytes: &[u8]) -> Option<Description> {
        if self.layer != Layer::Three {
            return None;
        }
        if bytes.get(36..40) == Some(b"VBRI") {
            let frames = bytes.get(50..54).and_then(|frames| frames.try_into().ok());
            return Some(Description { frames: frames.map(u32::from_be_bytes), gapless: None });
        }
        let side = match (self.is_first_version, self.channels) {
            (true, 1) | (false, 2) => 17,
            (true, _) => 32,
            (false, _) => 9,
        };
        let crc = if bytes.get(1)? & 1 == 0 { 2 } else { 0 };
        // a writer that adds a checksum may not have moved the tag
        let tag = [0, crc].into_iter().find_map(|crc| {
            let tag = bytes.get(HEAD_BYTES + crc + side..)?;
            (tag.starts_with(b"Xing") || tag.starts_with(b"Info")).then_some(tag)
        })?;
        let word = |at: usize| {
            tag.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_be_bytes)
        };
        let flags = word(4).unwrap_or(0);
        let frames = word(8).filter(|&frames| flags & 1 == 1 && frames > 0);
        let sizes = [(1, 4), (2, 4), (4, 100), (8, 4)];
        let sizes = sizes.into_iter().filter(|(flag, _)| flags & flag != 0);
        let end = 8 + sizes.map(|(_, size)| size).sum::<usize>();
        let encoder = tag.get(end..end + 4).unwrap_or_default();
        let is_lame = [&b"LAME"[..], b"Lavf", b"Lavc", b"L3.9"].contains(&encoder);
        let gapless = tag.get(end + 21..end + 24).filter(|_| is_lame).map(|trim| {
            let trim = u64::from(u32::from_be_bytes([0, trim[0], trim[1], trim[2]]));
            (trim >> 12, trim & 0xFFF)
        });
        Some(Description { frames, gapless })
    }
}

/// What an encoder says of the recording that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Description {
    /// How many frames follow.
    pub(super) frames: Option<u32>,
    /// Samples that the encoder added at the beginning and at the end.
    pub(super) gapless: Option<(u64, u64)>,
}

/// How long a tag is that `bytes` begin with: ID3, APE, Lyrics3; none where there is no tag.
pub(super) fn tag_bytes(bytes: &[u8]) -> Option<u64> {
    let word = |at: usize| {
        bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes)
    };
    match bytes {
        [b'I', b'D', b'3', major @ ..=0xFE, minor @ ..=0xFE, flags, size @ ..]
            if size.len() >= 4 && size[..4].iter().all(|&byte| byte < 0x80) =>
        {
            let _ = (major, minor);
            let size = size[..4].iter().fold(0, |size, &byte| size << 7 | u64::from(byte));
            let footer = if flags & 0x10 == 0 { 0 } else { 10 };
            Some(10 + size + footer)
        }
        [b'T', b'A', b'G', b'+', ..] => Some(227),
        [b'T', b'A', b'G', ..] => Some(128),
        [b'A', b'P', b'E', b'T', b'A', b'G', b'E', b'X', ..] => {
            let is_head = word(20)? & 0x2000_0000 != 0;
            Some(32 + if is_head { u64::from(word(12)?) } else { 0 })
        }
        _ if bytes.starts_with(b"LYRICSBEGIN") => {
            let end = bytes.windows(9).position(|end| end == b"LYRICS200" || end == b"LYRICSEND");
            end.map(|at| at as u64 + 9)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_frame_says_how_long_it_is() {
        let of = |head: [u8; 4]| MpegFrame::parse(&head);
        let frame = of([0xFF, 0xFB, 0x90, 0x64]).unwrap();
        assert_eq!((frame.layer, frame.rate_hz, frame.channels), (Layer::Three, 44_100, 2));
        assert_eq!((frame.bytes, frame.samples), (417, 1152));
        let frame = of([0xFF, 0xF3, 0x88, 0xC4]).unwrap();
        assert_eq!(
            (frame.rate_hz, frame.channels, frame.bytes, frame.samples),
            (16_000, 1, 288, 576)
        );
        // AAC, a free format, and a reserved rate
        for head in [[0xFF, 0xF1, 0x50, 0x80], [0xFF, 0xFB, 0, 0], [0xFF, 0xFB, 0x9C, 0]] {
            assert_eq!(of(head), None, "{head:?}");
        }
    }

    #[test]
    fn tags_have_the_length_that_they_say() {
        assert_eq!(tag_bytes(b"ID3\x04\0\0\0\0\x02\x01rest"), Some(10 + 257));
        assert_eq!(tag_bytes(b"TAGtitle"), Some(128));
        assert_eq!(tag_bytes(b"RIFF\0\0\0\0WAVE"), None);
        assert_eq!(tag_bytes(b"ID3"), None);
    }
}
