//! Where the program's own words go: the journal under systemd, standard error elsewhere. Standard output carries data
//! only.

use std::io::Write as _;

use log::LevelFilter;

/// Modules that are louder than their news is worth.
const QUIET: [&str; 2] = ["pulseaudio", "symphonia"];

/// Starts the log at `level`; `RUST_LOG`, where it is set, wins.
pub fn start(level: LevelFilter) {
    if systemd_journal_logger::connected_to_journal()
        && let Ok(journal) = systemd_journal_logger::JournalLog::new()
        && journal.install().is_ok()
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
        writeln!(line, "tympan: {level}: {}", record.args())
    });
    // a second start, in a test say, changes nothing
    let _ = builder.try_init();
}
