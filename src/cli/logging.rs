//! Where the program's own words go: the journal under systemd, standard error elsewhere. Standard output carries data
//! only.

use std::io::Write as _;

use log::{LevelFilter, Log, Metadata, Record};
use systemd_journal_logger::JournalLog;

use crate::domain::printable_lines;

/// Modules that log more than is of use.
const QUIET: [&str; 2] = ["pulseaudio", "symphonia"];

/// Starts the log at `level`; `RUST_LOG`, where it is set, wins.
pub fn start(level: LevelFilter) {
    if systemd_journal_logger::connected_to_journal()
        && let Ok(journal) = JournalLog::new()
        && log::set_boxed_logger(Box::new(PrintableJournal(journal))).is_ok()
    {
        log::set_max_level(level);
        return;
    }
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level.min(LevelFilter::Warn)).filter_module("tympan", level);
    for module in QUIET {
        builder.filter_module(module, LevelFilter::Off);
    }
    builder.parse_default_env();
    builder.format(|line, record| {
        let level = record.level().as_str().to_lowercase();
        writeln!(line, "tympan: {level}: {}", message(record))
    });
    // a second start, in a test say, changes nothing
    let _ = builder.try_init();
}

/// The journal, which is read in terminals too.
struct PrintableJournal(JournalLog);

impl Log for PrintableJournal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        self.0.log(&record.to_builder().args(format_args!("{}", message(record))).build());
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// The words of a record. A line break in them is followed by spaces, so that no name from outside can pass for another
/// record.
fn message(record: &Record<'_>) -> String {
    printable_lines(&record.args().to_string()).replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_neither_steers_the_terminal_nor_passes_for_another_record() {
        let args = format_args!("listening to \u{1b}[31mmic\ntympan: info: all is well\u{202e}");
        let record = Record::builder().args(args).build();
        assert_eq!(message(&record), "listening to  [31mmic\n  tympan: info: all is well ");
    }
}
