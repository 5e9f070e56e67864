//! The bytes of a recording, read forward once, with a look ahead. Fed by a file or by standard input; feeds the readers of
//! containers, on whichever thread reads the recording.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is read at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// How far a look ahead may go: the largest FLAC frame has 2 MiB.
pub(super) const MAX_AHEAD: usize = 1 << 22;

/// Where the bytes come from.
enum Origin {
    File(File),
    Stream(Box<dyn Read + Send>),
}

/// Bytes in the order of the file, of which at most [`MAX_AHEAD`] are held.
pub(in crate::sources) struct ByteReader {
    origin: Origin,
    /// Of a file, as it was when it was opened.
    length: Option<u64>,
    buffer: Vec<u8>,
    /// Of `buffer`, what has been skipped.
    taken: usize,
    /// Of the first byte that has not been skipped.
    position: u64,
    /// The same, as of the last reading, for others to look at.
    counter: Arc<AtomicU64>,
    ended: bool,
}

impl ByteReader {
    /// Reads a regular file from its beginning.
    ///
    /// # Errors
    /// Those of the file system.
    pub(in crate::sources) fn file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::new(Origin::File(file), Some(length)))
    }

    /// Reads what cannot be gone back in.
    pub(in crate::sources) fn stream(stream: Box<dyn Read + Send>) -> Self {
        Self::new(Origin::Stream(stream), None)
    }

    fn new(origin: Origin, length: Option<u64>) -> Self {
        let (buffer, counter) = (Vec::new(), Arc::default());
        Self { origin, length, buffer, taken: 0, position: 0, counter, ended: false }
    }

    /// Where the next byte stands, from the beginning.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Where it is, for others to look at.
    pub(in crate::sources) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.counter)
    }

    /// How many bytes are left, where that is known.
    pub(in crate::sources) fn left(&self) -> Option<u64> {
        self.length.map(|length| length.saturating_sub(self.position))
    }

    /// The next bytes: `count` of them or more, fewer only at the end.
    ///
    /// # Errors
    /// Those of reading.
    pub(in crate::sources) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let count = count.min(MAX_AHEAD);
        while self.buffer.len() - self.taken < count && !self.ended {
            if self.taken > 0 {
                self.buffer.drain(..self.taken);
                self.taken = 0;
            }
            self.fill()?;
        }
        Ok(&self.buffer[self.taken..])
    }

    fn fill(&mut self) -> io::Result<()> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK_BYTES, 0);
        let into = &mut self.buffer[filled..];
        let read = loop {
            let read = match &mut self.origin {
                Origin::File(file) => file.read(into),
                Origin::Stream(stream) => stream.read(into),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                read => break read,
            }
        };
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        // Relaxed: it says how far things are, and guards nothing.
        self.counter.store(self.position, Ordering::Relaxed);
        Ok(())
    }

    /// The next `COUNT` bytes; none when the end comes before.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn peek_array<const COUNT: usize>(&mut self) -> io::Result<Option<[u8; COUNT]>> {
        Ok(self.peek(COUNT)?.first_chunk().copied())
    }

    /// Some of the bytes `ahead` of the next one, `count` at most, without reading what is between where that can be helped;
    /// empty where it is too far to look.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn peek_at(&mut self, ahead: u64, count: usize) -> io::Result<Vec<u8>> {
        if let Origin::File(file) = &self.origin {
            let mut bytes = vec![0; count];
            let read = file.read_at(&mut bytes, self.position.saturating_add(ahead))?;
            bytes.truncate(read);
            return Ok(bytes);
        }
        let Some(end) = usize::try_from(ahead).ok().and_then(|ahead| ahead.checked_add(count))
        else {
            return Ok(Vec::new());
        };
        if end > MAX_AHEAD {
            return Ok(Vec::new());
        }
        let bytes = self.peek(end)?;
        Ok(bytes[bytes.len().min(end - count)..bytes.len().min(end)].to_vec())
    }

    /// Passes over `count` bytes, fewer only at the end, and says how many.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let buffered = (self.buffer.len() - self.taken) as u64;
        if count <= buffered {
            self.taken += usize::try_from(count).expect("invariant: no more than is buffered");
            self.position += count;
            return Ok(count);
        }
        if let (Origin::File(_), Some(left)) = (&self.origin, self.left()) {
            let skipped = count.min(left);
            self.go_to(self.position + skipped)?;
            return Ok(skipped);
        }
        let mut left = count;
        while left > 0 {
            let there = self.peek(1)?.len();
            let now = left.min(there as u64);
            if now == 0 {
                break;
            }
            self.taken += usize::try_from(now).expect("invariant: no more than is buffered");
            self.position += now;
            left -= now;
        }
        Ok(count - left)
    }

    /// Goes to a place in a file, before or behind; false in what cannot be gone back in.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn go_to(&mut self, position: u64) -> io::Result<bool> {
        let Origin::File(file) = &mut self.origin else { return Ok(false) };
        file.seek(SeekFrom::Start(position))?;
        self.buffer.clear();
        (self.taken, self.position, self.ended) = (0, position, false);
        Ok(true)
    }
}

/// As a decoder of the library reads.
impl Read for ByteReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let there = self.peek(1)?;
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        self.taken += count;
        self.position += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn of(bytes: &[u8]) -> [ByteReader; 2] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let stream = Box::new(io::Cursor::new(bytes.to_vec()));
        [ByteReader::file(file).unwrap(), ByteReader::stream(stream)]
    }

    #[test]
    fn a_file_and_a_stream_give_the_same_bytes_at_the_same_places() {
        let bytes: Vec<u8> = (0..200_000u32).map(|index| (index / 7) as u8).collect();
        for mut reader in of(&bytes) {
            assert_eq!(reader.peek(3).unwrap()[..3], bytes[..3]);
            assert_eq!(reader.skip(100_000).unwrap(), 100_000);
            assert_eq!(reader.position(), 100_000);
            assert_eq!(reader.peek_at(50_000, 4).unwrap(), bytes[150_000..150_004]);
            assert_eq!(reader.peek_array::<8>().unwrap().unwrap(), bytes[100_000..100_008]);
            assert_eq!(reader.skip(200_000).unwrap(), 100_000);
            assert!(reader.peek(1).unwrap().is_empty());
        }
    }
}
