//! A page of an Ogg file: its head, its checksum, and the packets in it. Read by the Ogg reader.

/// Bytes of a head, without the table of segments.
pub(super) const HEAD_BYTES: usize = 27;

/// The longest page.
pub(super) const MAX_PAGE_BYTES: usize = HEAD_BYTES + 255 + 255 * 255;

/// A page's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHead {
    /// Whether its first packet began on the page before.
    pub(super) continues: bool,
    pub(super) begins_stream: bool,
    pub(super) ends_stream: bool,
    /// Where the last packet that ends on it ends; none where no packet does.
    pub(super) granule: Option<u64>,
    pub(super) serial: u32,
    pub(super) sequence: u32,
    /// Head and table together.
    pub(super) head_bytes: usize,
    /// Of the whole page.
    pub(super) bytes: usize,
}

impl PageHead {
    /// The head that `bytes` begin with, once all of it is there.
    ///
    /// # Source
    /// RFC 3533, 6.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEAD_BYTES] = bytes.first_chunk()?;
        if !head.starts_with(b"OggS\0") {
            return None;
        }
        let head_bytes = HEAD_BYTES + usize::from(head[26]);
        let table = bytes.get(HEAD_BYTES..head_bytes)?;
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let granule = u64::from(word(6)) | u64::from(word(10)) << 32;
        Some(Self {
            continues: head[5] & 1 != 0,
            begins_stream: head[5] & 2 != 0,
            ends_stream: head[5] & 4 != 0,
            granule: Some(granule).filter(|&granule| granule != u64::MAX),
            serial: word(14),
            sequence: word(18),
            head_bytes,
            bytes: head_bytes + table.iter().map(|&length| usize::from(length)).sum::<usize>(),
        })
    }
}

const CRC_32: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut crc, mut bit) = ((index as u32) << 24, 0);
        while bit < 8 {
            crc = crc << 1 ^ if crc >> 31 == 0 { 0 } else { 0x04C1_1DB7 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// Whether a whole page is as it was written. Fuzzing changes pages, and is to get behind this.
pub(super) fn is_intact(page: &[u8]) -> bool {
    if cfg!(fuzzing) {
        return true;
    }
    let step = |crc: u32, byte: u8| crc << 8 ^ CRC_32[usize::from((crc >> 24) as u8 ^ byte)];
    let (Some(before), Some(after)) = (page.get(..22), page.get(26..)) else { return false };
    let crc = before.iter().chain(&[0; 4]).chain(after).fold(0, |crc, &byte| step(crc, byte));
    page[22..26] == crc.to_le_bytes()
}

/// The pieces of packets on a page, and whether each ends there.
pub(super) fn pieces<'a>(page: &'a [u8], head: &PageHead) -> Vec<(&'a [u8], bool)> {
    let (mut pieces, mut start, mut end) = (Vec::new(), head.head_bytes, head.head_bytes);
    for &length in &page[HEAD_BYTES..head.head_bytes] {
        end += usize::from(length);
        if length < 255 {
            pieces.push((&page[start..end], true));
            start = end;
        }
    }
    if end > start {
        pieces.push((&page[start..end], false));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_into_its_packets() {
        let mut page = b"OggS\0\x01".to_vec();
        page.extend([7; 16]);
        page.extend([0; 4]);
        page.extend([3, 2, 0, 255]);
        page.extend([1; 257]);
        let head = PageHead::parse(&page).unwrap();
        assert_eq!((head.continues, head.head_bytes, head.bytes), (true, 30, 287));
        assert!(!is_intact(&page));
        let lengths: Vec<_> =
            pieces(&page, &head).iter().map(|(piece, ends)| (piece.len(), *ends)).collect();
        assert_eq!(lengths, [(2, true), (0, true), (255, false)]);
    }
}
