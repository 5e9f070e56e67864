//! Standard output: text for a person, JSON Lines for a pipe. Fed by its queue; runs on the thread `tympan-stdout`.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use super::line_buffer::LineBuffer;
use super::line_format::SampleRates;
use super::recording_order::RecordingOrder;
use super::{LineFormat, RecordFilter, Sink, SinkError, TextClock};
use crate::domain::{Published, Record, State};

/// Writes records as lines to standard output, or to any writer in its place.
#[derive(Debug)]
pub struct StdoutSink<W> {
    lines: LineBuffer<W>,
    format: LineFormat,
    records: RecordFilter,
    /// A terminal that is gone fails like a broken disk.
    is_terminal: bool,
    sample_rates: SampleRates,
    line: String,
    /// Of text about a recording: which line is next.
    order: Option<RecordingOrder>,
}

impl StdoutSink<File> {
    /// Opens the process's standard output, unbuffered and unlocked: a blocked reader stops nobody else at exit.
    ///
    /// # Errors
    /// [`SinkError::Write`] when the system refuses another descriptor for it.
    pub fn open(
        format: LineFormat,
        records: RecordFilter,
        clock: TextClock,
    ) -> Result<Self, SinkError> {
        let descriptor = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|source| SinkError::from_write("stdout", source))?;
        let is_terminal = descriptor.is_terminal();
        let order = match (format, clock) {
            (LineFormat::Text { .. }, TextClock::Recording { onset_windows }) => {
                Some(RecordingOrder::new(onset_windows))
            }
            _ => None,
        };
        Ok(Self { is_terminal, order, ..Self::new(File::from(descriptor), format, records) })
    }
}

impl<W: Write + Send> StdoutSink<W> {
    /// A sink that writes to `writer`.
    pub fn new(writer: W, format: LineFormat, records: RecordFilter) -> Self {
        Self {
            lines: LineBuffer::new(writer),
            format,
            records,
            is_terminal: false,
            sample_rates: SampleRates::default(),
            line: String::new(),
            order: None,
        }
    }

    /// Takes a record's line for its place in the recording, and writes those that no earlier one can follow.
    fn write_in_order(&mut self, record: &Record, order: &mut RecordingOrder) -> io::Result<()> {
        if let Record::Window(window) = record {
            order.window(window.end_sample);
        }
        let place = order.place_of(record);
        if self.records.passes(record) {
            self.line.clear();
            let rate = self.sample_rates.of(record.source());
            let time = rate.map(|rate| rate.duration_of(place.0));
            self.format.render_at(record, rate, time, &mut self.line);
            order.hold(place, &self.line);
        }
        while let Some(line) = order.next() {
            self.lines.push(&line)?;
        }
        // nothing earlier can come: a gap ends every event, and so does the end
        let is_last = match record {
            Record::Gap(_) => true,
            Record::Status(status) => status.state == State::Stopping || !order.has_begun(),
            Record::Window(_) | Record::Event(_) => false,
        };
        if is_last {
            while let Some(line) = order.rest() {
                self.lines.push(&line)?;
            }
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> SinkError {
        if self.is_terminal && source.raw_os_error() == Some(nix::libc::EIO) {
            SinkError::Closed
        } else {
            SinkError::from_write("stdout", source)
        }
    }
}

impl<W: Write + Send> Sink for StdoutSink<W> {
    fn name(&self) -> &str {
        "stdout"
    }

    fn takes_windows(&self) -> bool {
        // they say how far the recording was read
        self.records == RecordFilter::Everything || self.order.is_some()
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        let record = &published.record;
        self.sample_rates.note(record);
        if let Some(mut order) = self.order.take() {
            let written = self.write_in_order(record, &mut order);
            self.order = Some(order);
            return written.map_err(|source| self.failed(source));
        }
        if !self.records.passes(record) {
            return Ok(());
        }
        self.line.clear();
        let rate = self.sample_rates.of(record.source());
        self.format.render_into(record, rate, &mut self.line);
        self.lines.push(&self.line).map_err(|source| self.failed(source))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.lines.drain().map_err(|source| self.failed(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::text_line::tests::{onset, status, window};

    struct GoneReader;

    impl Write for GoneReader {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_closes_the_sink() {
        let mut sink = StdoutSink::new(GoneReader, LineFormat::JsonLines, RecordFilter::Everything);
        sink.write(&onset().into()).unwrap();
        assert!(matches!(sink.flush(), Err(SinkError::Closed)));
    }

    #[test]
    fn windows_are_written_only_when_asked_for() {
        for (records, lines) in [(RecordFilter::WithoutWindows, 2), (RecordFilter::Everything, 3)] {
            let mut written = Vec::new();
            let mut sink = StdoutSink::new(&mut written, LineFormat::JsonLines, records);
            for record in [status(), window(), onset()] {
                sink.write(&record.into()).unwrap();
            }
            sink.flush().unwrap();
            assert_eq!(String::from_utf8(written).unwrap().lines().count(), lines);
        }
    }
}
