//! How a record becomes a line: text for people, JSON Lines for programs; and which records a sink is given at all. Used by every sink, on the sink's thread.

use std::sync::Arc;
use std::time::Duration;

use super::text_line::{Colour, TextStyle, render_text};
use crate::domain::{Record, SampleRate};
use crate::protocol::write_json_line;

/// The shape of the lines a sink writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// Aligned columns for a person at a terminal.
    Text {
        /// Whether ANSI colours are used.
        colour: Colour,
        /// Columns for the name of the input that a record is of; 0: there is one input, and its name is not shown.
        name_columns: usize,
    },
    /// One JSON object a line.
    JsonLines,
}

/// The kinds of records that a sink writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFilter {
    /// Events, gaps and statuses: what happened, a few lines a minute.
    WithoutWindows,
    /// The scores of every window too: ten lines a second and more.
    Everything,
}

impl RecordFilter {
    /// Whether `record` is to be written.
    pub fn passes(self, record: &Record) -> bool {
        match self {
            Self::Everything => true,
            Self::WithoutWindows => !matches!(record, Record::Window(_)),
        }
    }
}

impl LineFormat {
    /// The records that this format has by default: a person sees events, a program everything.
    pub fn default_records(self) -> RecordFilter {
        match self {
            Self::Text { .. } => RecordFilter::WithoutWindows,
            Self::JsonLines => RecordFilter::Everything,
        }
    }

    /// Appends `record` and a line feed to `line`: always exactly one line.
    ///
    /// `sample_rate` is the source's, as far as known; without it text has durations in samples.
    pub fn render_into(&self, record: &Record, sample_rate: Option<SampleRate>, line: &mut String) {
        self.render_at(record, sample_rate, None, line);
    }

    /// As [`Self::render_into`]; text has this place in the recording instead of the time of the day.
    pub(super) fn render_at(
        &self,
        record: &Record,
        sample_rate: Option<SampleRate>,
        place: Option<Duration>,
        line: &mut String,
    ) {
        match self {
            Self::Text { colour, name_columns } => {
                let style = TextStyle { colour: *colour, name_columns: *name_columns };
                render_text(record, sample_rate, place, style, line);
                line.push('\n');
            }
            Self::JsonLines => write_json_line(record, line),
        }
    }
}

/// The rate of each source, from its last status; text needs it to print durations.
#[derive(Debug, Default)]
pub(super) struct SampleRates(Vec<(Arc<str>, SampleRate)>);

impl SampleRates {
    /// Takes the rate from a status.
    pub(super) fn note(&mut self, record: &Record) {
        if let Record::Status(status) = record {
            self.0.retain(|(source, _)| *source != status.source);
            self.0.push((Arc::clone(&status.source), status.sample_rate_hz));
        }
    }

    /// That of a source, once it is known.
    pub(super) fn of(&self, source: &str) -> Option<SampleRate> {
        let known = self.0.iter().find(|(known, _)| **known == *source);
        known.map(|(_, rate)| *rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::text_line::tests::{gap, offset, onset, status, window};

    fn json(record: &Record) -> String {
        let mut line = String::new();
        LineFormat::JsonLines.render_into(record, None, &mut line);
        line
    }

    #[test]
    fn json_lines_have_the_published_shape() {
        assert_eq!(
            json(&window()),
            "{\"type\":\"window\",\"time\":\"2026-01-01T12:00:00.123Z\",\"source\":\"mic\",\"start_sample\":0,\
             \"end_sample\":17600,\"scores\":[{\"label\":\"dog\",\"score\":0.93},{\"label\":\"cat\",\"score\":0.0123}],\
             \"level_dbfs\":-23.1,\"latency_us\":412}\n"
        );
        assert_eq!(
            json(&onset()),
            "{\"type\":\"event\",\"phase\":\"onset\",\"id\":7,\"label\":\"dog\",\"time\":\"2026-01-01T12:00:00.123Z\",\
             \"source\":\"mic\",\"start_sample\":48000,\"score\":0.93}\n"
        );
        assert_eq!(
            json(&offset()),
            "{\"type\":\"event\",\"phase\":\"offset\",\"id\":7,\"label\":\"dog\",\"time\":\"2026-01-01T12:00:00.123Z\",\
             \"source\":\"mic\",\"start_sample\":48000,\"end_sample\":116160,\"peak_score\":0.97}\n"
        );
        assert_eq!(
            json(&gap()),
            "{\"type\":\"gap\",\"time\":\"2026-01-01T12:00:00.123Z\",\"source\":\"mic\",\"start_sample\":48000,\
             \"samples\":4800,\"cause\":\"overrun\"}\n"
        );
        assert_eq!(
            json(&status()),
            "{\"type\":\"status\",\"time\":\"2026-01-01T12:00:00.123Z\",\"source\":\"mic\",\"state\":\"listening\",\
             \"detail\":\"built-in audio\",\"sample_rate_hz\":48000}\n"
        );
    }

    #[test]
    fn a_whole_second_is_written_as_wide_as_any_other() {
        let Record::Gap(mut gap) = gap() else { unreachable!() };
        gap.time = "2026-01-01T12:00:00Z".parse().unwrap();
        assert!(json(&Record::Gap(gap)).contains("\"2026-01-01T12:00:00.000Z\""));
    }

    #[test]
    fn line_breaks_in_a_detail_stay_on_one_line_in_every_format() {
        let Record::Status(mut status) = status() else { unreachable!() };
        status.detail = "first\nsecond\u{1b}[31m".to_owned();
        let record = Record::Status(status);
        for format in
            [LineFormat::JsonLines, LineFormat::Text { colour: Colour::Plain, name_columns: 0 }]
        {
            let mut line = String::new();
            format.render_into(&record, None, &mut line);
            assert_eq!(line.lines().count(), 1, "{line}");
            assert!(!line.contains('\u{1b}'), "{line:?}");
        }
    }

    #[test]
    fn rendering_appends_to_what_is_there() {
        let mut line = String::from("kept ");
        LineFormat::JsonLines.render_into(&gap(), None, &mut line);
        assert!(line.starts_with("kept {\"type\":\"gap\""));
    }
}
