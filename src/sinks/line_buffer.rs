//! Lines on their way to a writer: whole lines in, as many bytes out as the writer takes. Used by stdout and log file.
//!
//! A writer may fail in the middle of a line. The rest stays here and goes out first once it works again: no line is
//! ever torn, repeated or lost by a passing error. Runs on the sink's own thread.

use std::io::{self, Write};

/// Lines kept for one system call. A pipe holds as much; at 200 bytes a line it is 300 lines.
const BUFFERED_BYTES: usize = 64 * 1024;

/// A writer behind a buffer of whole lines.
#[derive(Debug)]
pub(super) struct LineBuffer<W> {
    writer: W,
    lines: Vec<u8>,
    written: usize,
}

impl<W: Write> LineBuffer<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, lines: Vec::new(), written: 0 }
    }

    /// Takes `line`, which ends in a line feed.
    ///
    /// # Errors
    /// The writer's error when the buffer was full and could not be emptied; `line` is then not taken.
    pub(super) fn push(&mut self, line: &str) -> io::Result<()> {
        if self.lines.len() + line.len() > BUFFERED_BYTES {
            self.drain()?;
        }
        self.lines.extend_from_slice(line.as_bytes());
        Ok(())
    }

    /// Hands everything to the writer.
    ///
    /// # Errors
    /// The writer's error; what it did not take stays here.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        while self.written < self.lines.len() {
            match self.writer.write(&self.lines[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.lines.clear();
        self.written = 0;
        self.writer.flush()
    }

    /// Sends whatever is still here, and all that follows, to `writer`.
    pub(super) fn replace_writer(&mut self, writer: W) {
        self.writer = writer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes, then fails once, and so on.
    #[derive(Default)]
    struct Stubborn {
        taken: Vec<u8>,
        calls: usize,
    }

    impl Write for Stubborn {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(2) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(3);
            self.taken.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_cut_by_an_error_is_completed_and_not_repeated() {
        let mut buffer = LineBuffer::new(Stubborn::default());
        buffer.push("first line\n").unwrap();
        assert!(buffer.drain().is_err());
        buffer.push("second\n").unwrap();
        while buffer.drain().is_err() {}
        assert_eq!(buffer.writer.taken, b"first line\nsecond\n");
    }
}
