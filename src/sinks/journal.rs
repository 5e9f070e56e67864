//! The systemd journal in place of standard output: each record is an entry, with fields to search by. Fed by its queue; runs on
//! the thread `tympan-journal`.

use log::{Level, Record as LogRecord};
use systemd_journal_logger::JournalLog;

use super::line_format::SampleRates;
use super::{LineFormat, RecordFilter, Sink, SinkError};
use crate::domain::{EventPhase, Published, Record, State};

/// `journalctl MESSAGE_ID=…` finds events by it.
const EVENT_ID: &str = "b1a6e5a6f3f64d0f9c0d0c9a1f3c7e52";

/// Where every journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";

/// Writes records to the journal. The message is the line that standard output would have.
pub struct JournalSink {
    journal: JournalLog,
    format: LineFormat,
    records: RecordFilter,
    sample_rates: SampleRates,
    line: String,
}

impl JournalSink {
    /// Connects to the journal of this machine.
    ///
    /// # Errors
    /// [`SinkError::Write`] when there is none.
    pub fn open(format: LineFormat, records: RecordFilter) -> Result<Self, SinkError> {
        // the library connects with the first entry
        std::fs::metadata(SOCKET).map_err(failed)?;
        let journal = JournalLog::new().map_err(failed)?;
        let (sample_rates, line) = (SampleRates::default(), String::new());
        Ok(Self { journal, format, records, sample_rates, line })
    }
}

impl Sink for JournalSink {
    fn name(&self) -> &str {
        "journal"
    }

    fn takes_windows(&self) -> bool {
        self.records == RecordFilter::Everything
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        let record = &published.record;
        self.sample_rates.note(record);
        if !self.records.passes(record) {
            return Ok(());
        }
        self.line.clear();
        let rate = self.sample_rates.of(record.source());
        self.format.render_into(record, rate, &mut self.line);
        let fields = fields(record);
        let sent = self.journal.journal_send(
            &LogRecord::builder()
                .level(level(record))
                .target("tympan::record")
                .key_values(&&fields[..])
                .args(format_args!("{}", self.line.trim_end()))
                .build(),
        );
        sent.map_err(failed)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn failed(source: std::io::Error) -> SinkError {
    SinkError::from_write("the journal", source)
}

/// As `journalctl --priority` sorts entries.
fn level(record: &Record) -> Level {
    match record {
        Record::Gap(_) => Level::Warn,
        Record::Status(status) if !matches!(status.state, State::Listening | State::Stopping) => {
            Level::Warn
        }
        Record::Window(_) | Record::Event(_) | Record::Status(_) => Level::Info,
    }
}

/// What an entry can be found by.
fn fields(record: &Record) -> Vec<(&'static str, String)> {
    let mut fields = vec![("TYMPAN_SOURCE", record.source().to_owned())];
    match record {
        Record::Window(window) => {
            fields.push(("TYMPAN_TYPE", "window".to_owned()));
            if let Some(best) = window.scores.first() {
                fields.push(("TYMPAN_LABEL", best.label.to_string()));
                fields.push(("TYMPAN_SCORE", format!("{:.4}", best.score)));
            }
        }
        Record::Event(event) => {
            let (phase, score) = match event.phase {
                EventPhase::Onset { score, .. } => ("onset", score),
                EventPhase::Offset { peak_score, .. } => ("offset", peak_score),
            };
            fields.extend([
                ("TYMPAN_TYPE", "event".to_owned()),
                ("MESSAGE_ID", EVENT_ID.to_owned()),
                ("TYMPAN_PHASE", phase.to_owned()),
                ("TYMPAN_ID", event.id.to_string()),
                ("TYMPAN_LABEL", event.label.to_string()),
                ("TYMPAN_SCORE", format!("{score:.4}")),
            ]);
        }
        Record::Gap(gap) => fields.extend([
            ("TYMPAN_TYPE", "gap".to_owned()),
            ("TYMPAN_SAMPLES", gap.samples.to_string()),
        ]),
        Record::Status(status) => fields.extend([
            ("TYMPAN_TYPE", "status".to_owned()),
            ("TYMPAN_STATE", status.state.to_string()),
        ]),
    }
    fields
}
