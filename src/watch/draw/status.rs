//! Who is watched and how it is: the title, the daemon's figures, what is wrong, and the most useful keys.

use super::panel::Panel;
use crate::domain::{State, printable};
use crate::protocol::DaemonStatus;
use crate::watch::app::{App, Link, Shown};
use crate::watch::palette::Role;

/// From so many columns on the figures take one row.
const ONE_ROW: u16 = 80;

/// How many rows it takes on a screen of so many columns.
pub(super) fn rows(columns: u16) -> u16 {
    if columns >= ONE_ROW { 3 } else { 4 }
}

/// The source, its state and its place among the others; on the right, how it is shown.
pub(super) fn draw_title(panel: &mut Panel<'_>, app: &App, shown: Shown<'_>) {
    let name = match shown.source {
        Some(source) => printable(&source.name).into_owned(),
        None => shown.daemon.place(),
    };
    let columns = panel.columns() / 3;
    let style = panel.look.style(Role::Title);
    let mut column = panel.text((0, 0), columns, &name, style) + 2;
    let (words, role) = match (&shown.daemon.link, shown.source.and_then(|source| source.state)) {
        (Link::Connecting, _) => ("connecting".to_owned(), Role::Quiet),
        (Link::Down { .. }, _) => ("waiting for the daemon".to_owned(), Role::Bad),
        (Link::Up { .. }, None) => ("connected".to_owned(), Role::Quiet),
        (Link::Up { .. }, Some(state)) => {
            let role = match state {
                State::Listening => Role::Good,
                State::Quiet | State::Stopping => Role::Text,
                State::Lost => Role::Bad,
                _ => Role::Warning,
            };
            (state.to_string(), role)
        }
    };
    column = panel.words(column, 0, &words, role) + 2;
    if shown.place.1 > 1 {
        panel.words(column, 0, &format!("{} of {}", shown.place.0, shown.place.1), Role::Quiet);
    }
    let mut right = Vec::new();
    if !app.filter.is_empty() {
        right.push(format!("labels with {}", app.filter));
    }
    if let Some(back_s) = shown.frozen_back_s {
        right.push(match back_s {
            0.0 => "frozen".to_owned(),
            _ => format!("frozen, {back_s:.1} s back"),
        });
    }
    panel.words_at_end(0, &right.join("  "), Role::Warning);
}

/// The daemon's figures, and what is wrong.
pub(super) fn draw(panel: &mut Panel<'_>, app: &App, shown: Shown<'_>) {
    let last = panel.rows().saturating_sub(1);
    if let Some(status) = &shown.daemon.status {
        let text = panel.look.style(Role::Text);
        let name = shown.source.map(|source| &*source.name);
        let input = status.inputs.iter().find(|input| Some(&*input.name) == name);
        let (device, rate) = match input {
            Some(input) => (&input.device, input.sample_rate_hz),
            None => (&status.device, status.sample_rate_hz),
        };
        let device = format!("{}, {rate}, model {}", printable(device), printable(&status.model));
        panel.text((0, 0), u16::MAX, &device, text);
        draw_figures(panel, last, status, shown);
    }
    let (words, role) = message(app, shown);
    panel.words(0, last, &words, role);
}

/// As many figures in a row as fit.
fn draw_figures(panel: &mut Panel<'_>, last: u16, status: &DaemonStatus, shown: Shown<'_>) {
    let count = |name: &str| status.counters.get(name).copied().unwrap_or_default();
    let milli = |us: u64| us as f64 / 1000.0;
    let dropped = ["records_dropped", "events_dropped", "client_records_dropped"]
        .map(count)
        .into_iter()
        .fold(0, u64::saturating_add);
    let gaps = shown.source.map_or(0, |source| source.gaps);
    let cpu =
        shown.daemon.cpu_share.map_or("-".to_owned(), |share| format!("{:.1}", 100.0 * share));
    let role = |count: u64| if count > 0 { Role::Warning } else { Role::Text };
    let counted = |name: &str, count: u64| (format!("{name} {count}"), role(count));
    let latency = &status.latency;
    let figures = [
        (
            format!("p50 {:.1} ms  p99 {:.1} ms", milli(latency.p50_us), milli(latency.p99_us)),
            Role::Text,
        ),
        (format!("cpu {cpu} %"), Role::Text),
        counted("skipped", count("windows_skipped")),
        counted("dropped", dropped),
        counted("gaps", gaps),
        counted("missed", shown.daemon.missed),
    ];
    let (mut column, mut row) = (0, 1);
    for (words, role) in figures {
        let columns = u16::try_from(words.len()).unwrap_or(u16::MAX);
        if column + columns > panel.columns() && row + 1 < last {
            (column, row) = (0, row + 1);
        }
        column = panel.words(column, row, &words, role) + 2;
    }
}

/// What is most worth to be known: what is wrong, else what is going on.
fn message(app: &App, shown: Shown<'_>) -> (String, Role) {
    let daemon = shown.daemon;
    if let Link::Down { why, retry_in } = &daemon.link {
        let (place, seconds) = (daemon.place(), retry_in.as_secs_f64());
        return (format!("{place}: {why}; next try in {seconds:.1} s"), Role::Bad);
    }
    if let Some(status) = &daemon.status
        && let Some(sink) = status.sinks.iter().find(|sink| sink.is_failing)
    {
        return (format!("the output {} fails", printable(&sink.name)), Role::Warning);
    }
    if let Some(line) = &app.last_log {
        return (line.clone(), Role::Warning);
    }
    let Link::Up { version } = &daemon.link else { return (daemon.place(), Role::Quiet) };
    match shown.source {
        Some(source) if source.state.is_some_and(|state| state != State::Listening) => {
            (printable(&source.detail).into_owned(), Role::Warning)
        }
        _ => (format!("{}, tympan {}", daemon.place(), printable(version)), Role::Quiet),
    }
}

/// The most useful keys, or the text that is being typed.
pub(super) fn draw_keys(panel: &mut Panel<'_>, app: &App) {
    if app.is_typing {
        let typed = format!("show labels with: {}_   (enter keeps it, esc drops it)", app.filter);
        panel.words(0, 0, &typed, Role::Warning);
        return;
    }
    let keys = "q quit  space freeze  left/right  / filter  tab next  ? help";
    panel.words(0, 0, keys, Role::Quiet);
}
