//! `tympan man-pages`: a page for tympan and one for each subcommand, made from their arguments, with the exit codes, files
//! and environment that the arguments do not show. Packages install what it writes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::Failure;
use crate::files::{self, Durability};

/// Arguments of `tympan man-pages`.
#[derive(Debug, Args)]
pub struct ManPagesArguments {
    /// Folder to write to
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Writes all pages of `command`, the whole command line.
///
/// # Errors
/// [`Failure`] with exit code 1 when one cannot be written.
pub fn man_pages(
    arguments: &ManPagesArguments,
    command: clap::Command,
) -> Result<ExitCode, Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .with_context(|| folder.display().to_string())
        .map_err(Failure::failed)?;
    let mut whole = command.disable_help_subcommand(true);
    // gives each subcommand its full name
    whole.build();
    write_pages(&whole, folder)?;
    Ok(ExitCode::SUCCESS)
}

/// The page of `command`, and those of its subcommands.
fn write_pages(command: &clap::Command, folder: &Path) -> Result<(), Failure> {
    for subcommand in command.get_subcommands() {
        write_pages(subcommand, folder)?;
    }
    let man = Man::new(command.clone())
        .source(concat!("tympan ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let path = folder.join(man.get_filename());
    let page = page(command, &man)?;
    files::replace(&path, &page, Durability::Cached)
        .with_context(|| path.display().to_string())
        .map_err(Failure::failed)
}

fn page(command: &clap::Command, man: &Man) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let words: Vec<&str> = name.split('-').collect();
    let mut roff = Roff::new();
    section(&mut roff, "EXIT STATUS", &EXIT_CODES, &words);
    section(&mut roff, "FILES", &FILES, &words);
    section(&mut roff, "ENVIRONMENT", &ENVIRONMENT, &words);
    see_also(&mut roff, &words);
    page.extend(roff.to_roff().into_bytes());
    Ok(page)
}

/// An exit code, a file or a variable, and which pages have it.
struct Entry {
    name: &'static str,
    means: &'static str,
    /// Subcommands; empty for every page.
    of: &'static [&'static str],
}

const fn entry(name: &'static str, means: &'static str, of: &'static [&'static str]) -> Entry {
    Entry { name, means, of }
}

/// What reads a configuration.
const CONFIGURED: &[&str] = &["run", "check", "status", "watch", "doctor"];
/// What reads a bundle.
const WITH_MODEL: &[&str] = &["run", "classify", "eval", "bench", "labels", "check", "doctor"];
/// What finds a daemon by its socket.
const CLIENTS: &[&str] = &["status", "watch"];
/// What opens a capture device.
const CAPTURING: &[&str] = &["run", "devices", "doctor"];

const EXIT_CODES: [Entry; 9] = [
    entry("0", "Done, or ended by a signal, or whoever read standard output has gone.", &[]),
    entry(
        "1",
        "The command ran and failed: at a recording, an output or a stage of the pipeline.",
        &[],
    ),
    entry(
        "1",
        "The daemon cannot be reached, does not answer within 4 s, or is in another state than listening, quiet, \
         clipping or overloaded.",
        &["status"],
    ),
    entry(
        "1",
        "The command ran and failed, or, with --compare, a figure is worse than the baseline's.",
        &["bench"],
    ),
    entry("1", "There is a warning, or the command failed.", &["doctor"]),
    entry("2", "Wrong usage or configuration.", &[]),
    entry(
        "2",
        "Wrong usage or configuration, or an output that cannot be opened: its port is in use, or its folder cannot be \
         written.",
        &["run"],
    ),
    entry(
        "2",
        "Wrong usage or configuration, or something keeps tympan from capturing or scoring.",
        &["doctor"],
    ),
    entry(
        "3",
        "A recording or model cannot be used, or a device cannot be opened or is lost for good.",
        &[],
    ),
];

const FILES: [Entry; 7] = [
    entry(
        "/etc/tympan/config.toml",
        "The service's configuration, where a package installed tympan.",
        CONFIGURED,
    ),
    entry(
        "PREFIX/etc/tympan/config.toml",
        "The same, where make installed it below PREFIX.",
        CONFIGURED,
    ),
    entry(
        "~/.config/tympan/config.toml",
        "The configuration of the unit for a desktop session.",
        CONFIGURED,
    ),
    entry(
        "PREFIX/share/tympan/models/esc50",
        "The model that comes with tympan; PREFIX/bin has the program.",
        WITH_MODEL,
    ),
    entry("/run/tympan/tympan.sock", "The socket of the service.", &["run", "status", "watch"]),
    entry(
        "/run/user/UID/tympan/tympan.sock",
        "The socket of a user's service.",
        &["run", "status", "watch"],
    ),
    entry("/var/log/tympan", "Where the service may write its log file.", &["run"]),
];

const ENVIRONMENT: [Entry; 7] = [
    entry(
        "RUST_LOG",
        "How much is logged: error, warn, info, debug or trace; by module as well.",
        &[],
    ),
    entry("NO_COLOR", "Not empty: text without colours.", &["run", "watch", "classify"]),
    entry("COLORTERM", "truecolor or 24bit: the terminal has all colours.", &["watch"]),
    entry("TERM", "The terminal; the view needs one that can move its cursor.", &["run", "watch"]),
    entry(
        "XDG_RUNTIME_DIR",
        "Where the socket of a user's service is, and the sound server's.",
        CLIENTS,
    ),
    entry(
        "PULSE_SERVER",
        "The sound server to capture from: unix: and the path of its socket.",
        CAPTURING,
    ),
    entry("NOTIFY_SOCKET", "Where systemd hears that tympan is ready; systemd sets it.", &["run"]),
];

/// The entries of `all` that belong to the page with these words: those of every page, and those of its subcommand, which
/// take the place of one of the same name. The page of `tympan` itself has all files and variables, and the codes that
/// every subcommand shares.
fn section(roff: &mut Roff, heading: &str, all: &[Entry], words: &[&str]) {
    let subcommand = words.get(1);
    let is_own = |entry: &&Entry| subcommand.is_some_and(|name| entry.of.contains(name));
    let is_here = |entry: &&Entry| match subcommand {
        Some(_) if entry.of.is_empty() => {
            !all.iter().any(|other| is_own(&other) && other.name == entry.name)
        }
        Some(_) => is_own(entry),
        None => entry.of.is_empty() || heading != "EXIT STATUS",
    };
    let mut entries = all.iter().filter(is_here).peekable();
    if entries.peek().is_none() {
        return;
    }
    roff.control("SH", [heading]);
    for Entry { name, means, .. } in entries {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*means)]);
    }
}

/// The page above, or those of the subcommands, and where the whole documentation is.
fn see_also(roff: &mut Roff, words: &[&str]) {
    roff.control("SH", ["SEE ALSO"]);
    let mut line: Vec<Inline> = Vec::new();
    if words.len() > 1 {
        line.extend([bold(words[..words.len() - 1].join("-")), roman("(1), ")]);
    }
    line.extend([italic("PREFIX/share/doc/tympan/docs"), roman(" has the documentation.")]);
    roff.text(line);
}
