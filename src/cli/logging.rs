//! Where the program's own words go: the journal under systemd, standard error elsewhere. Standard output carries data
//! only.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use env_logger::Target;
use log::{LevelFilter, Log, Metadata, Record};
use systemd_journal_logger::JournalLog;

use crate::domain::printable_lines;

/// Modules that log more than is of use.
const QUIET: [&str; 2] = ["pulseaudio", "symphonia"];

/// Bytes of the log that are held for a view; the daemon writes a line a minute at most.
const MAX_HELD_BYTES: usize = 256 * 1024;

/// Starts the log at `level`; `RUST_LOG`, where it is set, wins.
pub fn start(level: LevelFilter) {
    start_to(level, Target::Stderr);
}

/// As [`start`], but holds every line back until the result is dropped, and gives it to `on_line` at once.
pub fn start_held(level: LevelFilter, on_line: impl Fn(&str) + Send + 'static) -> HeldLog {
    let state = HeldState { lines: Some(Vec::new()), on_line: Box::new(on_line) };
    let held = HeldLines(Arc::new(Mutex::new(state)));
    start_to(level, Target::Pipe(Box::new(held.clone())));
    HeldLog(held)
}

fn start_to(level: LevelFilter, target: Target) {
    if systemd_journal_logger::connected_to_journal()
        && let Ok(journal) = JournalLog::new()
        && log::set_boxed_logger(Box::new(PrintableJournal(journal))).is_ok()
    {
        log::set_max_level(level);
        return;
    }
    let mut builder = env_logger::Builder::new();
    builder.target(target);
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

/// Lines that wait for the screen to be free. Dropped, it prints them, and those that come later at once.
pub struct HeldLog(HeldLines);

impl Drop for HeldLog {
    fn drop(&mut self) {
        if let Some(lines) = self.0.state().lines.take() {
            // nobody may be reading
            let _ = io::stderr().write_all(&lines);
        }
    }
}

/// Where lines are written while they wait.
#[derive(Clone)]
struct HeldLines(Arc<Mutex<HeldState>>);

struct HeldState {
    /// None once they need not wait any more.
    lines: Option<Vec<u8>>,
    on_line: Box<dyn Fn(&str) + Send>,
}

impl HeldLines {
    fn state(&self) -> MutexGuard<'_, HeldState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for HeldLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        match &mut state.lines {
            Some(lines) if lines.len() < MAX_HELD_BYTES => lines.extend_from_slice(bytes),
            Some(_) => {}
            None => return io::stderr().write(bytes),
        }
        let text = String::from_utf8_lossy(bytes);
        (state.on_line)(text.trim().trim_start_matches("tympan: "));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
