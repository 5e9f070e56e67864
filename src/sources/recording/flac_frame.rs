//! The head of a FLAC frame, the description of a FLAC stream, and where a frame ends. Read by the readers of FLAC, alone and
//! in Ogg.

/// The longest head of a frame.
pub(super) const MAX_HEAD_BYTES: usize = 16;

/// What STREAMINFO says of a stream; 0 for what it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamDescription {
    pub(super) max_block: u64,
    /// Whether all blocks are as long, but for the last.
    is_fixed: bool,
    pub(super) rate_hz: u32,
    pub(super) channels: u32,
    pub(super) bits: u32,
    /// Samples of one channel.
    pub(super) samples: u64,
}

/// Bytes of a STREAMINFO block.
pub(super) const DESCRIPTION_BYTES: usize = 34;

impl StreamDescription {
    /// # Source
    /// RFC 9639, 8.2.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; DESCRIPTION_BYTES] = bytes.first_chunk()?;
        let sizes = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let word = u64::from_be_bytes(bytes[10..18].try_into().ok()?);
        Some(Self {
            max_block: u64::from(sizes & 0xFFFF),
            is_fixed: sizes >> 16 == sizes & 0xFFFF,
            rate_hz: (word >> 44) as u32,
            channels: (word >> 41 & 7) as u32 + 1,
            bits: (word >> 36 & 31) as u32 + 1,
            samples: word & 0xF_FFFF_FFFF,
        })
    }
}

/// What a frame's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FlacFrame {
    /// Samples of one channel.
    pub(super) block: u64,
    /// Its first sample, or how many frames come before it.
    number: u64,
    counts_samples: bool,
    pub(super) rate_hz: u32,
    pub(super) channels: u32,
    pub(super) bits: u32,
    /// Of the head.
    bytes: usize,
}

impl FlacFrame {
    /// The head that `bytes` begin with, if they do, of a stream of that description.
    ///
    /// # Source
    /// RFC 9639, 9.1.
    pub(super) fn parse(bytes: &[u8], stream: &StreamDescription) -> Option<Self> {
        let &[0xFF, second, sizes, form, ..] = bytes else { return None };
        if second & 0xFE != 0xF8 || form & 1 != 0 {
            return None;
        }
        let mut at = 4;
        let number = coded_number(bytes, &mut at)?;
        let mut more = |count: usize| {
            let value = bytes.get(at..at + count)?;
            at += count;
            Some(value.iter().fold(0u32, |value, &byte| value << 8 | u32::from(byte)))
        };
        let block = match sizes >> 4 {
            0 => return None,
            1 => 192,
            code @ 2..=5 => 576 << (code - 2),
            6 => more(1)? + 1,
            7 => more(2)? + 1,
            code => 256 << (code - 8),
        };
        const RATES: [u32; 12] = [
            0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
            96_000,
        ];
        let rate_hz = match sizes & 15 {
            0 => stream.rate_hz,
            12 => more(1)? * 1000,
            13 => more(2)?,
            14 => more(2)? * 10,
            15 => return None,
            code => RATES[usize::from(code)],
        };
        let channels = match form >> 4 {
            code @ 0..=7 => u32::from(code) + 1,
            8..=10 => 2,
            _ => return None,
        };
        let bits = match form >> 1 & 7 {
            0 => stream.bits,
            1 => 8,
            2 => 12,
            4 => 16,
            5 => 20,
            6 => 24,
            7 => 32,
            _ => return None,
        };
        if crc_8(bytes.get(..at)?) != *bytes.get(at)? {
            return None;
        }
        let counts_samples = second & 1 == 1;
        let block = u64::from(block);
        Some(Self { block, number, counts_samples, rate_hz, channels, bits, bytes: at + 1 })
    }

    /// Its first sample.
    pub(super) fn start(&self, stream: &StreamDescription, usual_block: u64) -> u64 {
        if self.counts_samples {
            self.number
        } else {
            let block = if stream.is_fixed && stream.max_block > 0 {
                stream.max_block
            } else {
                usual_block
            };
            self.number * block
        }
    }

    /// The fewest bytes that it has: its head, something of each channel, and the checksum.
    pub(super) fn min_bytes(&self) -> usize {
        self.bytes + self.channels as usize + 2
    }

    /// The most bytes that it has: every channel with its samples as they are, one bit wider in a difference.
    pub(super) fn max_bytes(&self) -> usize {
        let channel = self.block as usize * (self.bits as usize + 1) / 8 + 8;
        self.bytes + self.channels as usize * channel + 2
    }

    /// Whether `other` may stand in the same stream.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.counts_samples == other.counts_samples
    }
}

/// A number as UTF-8 codes characters, of up to 36 bits.
fn coded_number(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    *at += 1;
    let ones = first.leading_ones();
    if ones == 0 {
        return Some(u64::from(first));
    }
    if ones == 1 || ones == 8 {
        return None;
    }
    let mut value = u64::from(first & (0x7F_u8 >> ones));
    for _ in 1..ones {
        let next = *bytes.get(*at)?;
        if next & 0xC0 != 0x80 {
            return None;
        }
        *at += 1;
        value = value << 6 | u64::from(next & 0x3F);
    }
    Some(value)
}

fn crc_8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| crc << 1 ^ if crc & 0x80 == 0 { 0 } else { 7 })
    })
}

const CRC_16: [u16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut crc, mut bit) = ((index as u16) << 8, 0);
        while bit < 8 {
            crc = crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x8005 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// The checksum of a frame, which is 0 over all of it.
pub(super) fn crc_16(crc: u16, byte: u8) -> u16 {
    crc << 8 ^ CRC_16[usize::from((crc >> 8) as u8 ^ byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_and_one_wrong_bit_in_it_is_noticed() {
        let stream = StreamDescription {
            max_block: 4096,
            is_fixed: true,
            rate_hz: 16_000,
            channels: 1,
            bits: 16,
            samples: 0,
        };
        let mut head = vec![0xFF, 0xF8, 0xC5, 0x08, 0xC3, 0xA9];
        head.push(crc_8(&head));
        let frame = FlacFrame::parse(&head, &stream).unwrap();
        assert_eq!((frame.block, frame.rate_hz, frame.channels, frame.bits), (4096, 16_000, 1, 16));
        assert_eq!(frame.start(&stream, 0), 0xE9 * 4096);
        for bit in 0..8 * head.len() {
            head[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FlacFrame::parse(&head, &stream), None, "bit {bit}");
            head[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
