//! The events, the newest first: when each began, how long it lasted, its highest score. Between them what was lost, and
//! changes of state.

use std::time::Duration;

use jiff::Timestamp;

use super::panel::Panel;
use crate::domain::{GapCause, State, printable};
use crate::watch::app::App;
use crate::watch::palette::Role;
use crate::watch::source_view::{Entry, EventEnd, SourceView};

/// `12:00:00` and the mark behind it.
const TIME_COLUMNS: u16 = 9;
const MARK_COLUMNS: u16 = 2;
/// `12 min 05 s`, and a score.
const LENGTH_COLUMNS: u16 = 12;
const SCORE_COLUMNS: u16 = 6;

pub(super) fn draw(panel: &mut Panel<'_>, app: &App, source: Option<&SourceView>) {
    let Some(source) = source else { return };
    let entries = source.entries.iter().rev().filter(|entry| match entry {
        Entry::Event { label, .. } => label.to_lowercase().contains(&app.filter),
        Entry::Gap { .. } | Entry::State { .. } => app.filter.is_empty(),
    });
    let mut row = 0;
    for entry in entries.take(usize::from(panel.rows())) {
        draw_entry(panel, row, source, entry);
        row += 1;
    }
    if row == 0 {
        panel.words(0, 0, "no events yet", Role::Quiet);
    }
}

fn draw_entry(panel: &mut Panel<'_>, row: u16, source: &SourceView, entry: &Entry) {
    let name = TIME_COLUMNS + MARK_COLUMNS;
    match entry {
        Entry::Event { label, began, start_sample, peak_score, end, .. } => {
            let is_open = *end == EventEnd::Open;
            let role = if is_open { Role::Event } else { Role::Text };
            let mark =
                if is_open { panel.look.pick('●', '*') } else { panel.look.pick('○', 'o') };
            draw_time(panel, row, *began);
            panel.character(TIME_COLUMNS, row, mark, panel.look.style(role));
            let behind = LENGTH_COLUMNS + SCORE_COLUMNS;
            let columns = panel.columns().saturating_sub(name + behind).min(40);
            panel.text((name, row), columns, label, panel.look.style(role));
            let length = match source.length(*start_sample, *end) {
                Some(length) => in_words(length),
                None => "end unseen".to_owned(),
            };
            panel.words(name + columns, row, &format!("{length:>11}"), role);
            let score = format!("{peak_score:.2}");
            panel.words(name + columns + LENGTH_COLUMNS + 1, row, &score, role);
        }
        Entry::Gap { time, samples, cause } => {
            let cause = match cause {
                GapCause::Overrun => "overrun",
                GapCause::DriverOverrun => "driver overrun",
                GapCause::DeviceLost => "device lost",
            };
            let lost = match source.rate {
                Some(rate) => in_words(rate.duration_of(*samples)),
                None => format!("{samples} samples"),
            };
            draw_time(panel, row, *time);
            panel.words(TIME_COLUMNS, row, &format!("! {lost} lost: {cause}"), Role::Warning);
        }
        Entry::State { time, state, detail } => {
            let is_well = matches!(state, State::Listening | State::Quiet | State::Stopping);
            let (mark, role) = if is_well {
                (panel.look.pick("·", "."), Role::Quiet)
            } else {
                ("!", Role::Warning)
            };
            draw_time(panel, row, *time);
            let words = format!("{mark} {state}: {}", printable(detail));
            panel.words(TIME_COLUMNS, row, &words, role);
        }
    }
}

fn draw_time(panel: &mut Panel<'_>, row: u16, time: Timestamp) {
    panel.words(0, row, &time.strftime("%H:%M:%S").to_string(), Role::Quiet);
}

fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.2} s", duration.as_secs_f64()),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}
