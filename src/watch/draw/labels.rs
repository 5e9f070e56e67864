//! The labels of the newest window as bars, each with the score that it has to reach, and why it is no event.

use super::panel::Panel;
use crate::domain::Reason;
use crate::watch::app::App;
use crate::watch::palette::Role;
use crate::watch::source_view::{LabelBar, SourceView};

/// A bar's eighths of a cell.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// What the reasons take of a row that has so many columns.
const REASON_COLUMNS: u16 = 20;
const MAX_NAME_COLUMNS: u16 = 26;
const SCORE_COLUMNS: u16 = 5;

pub(super) fn draw(panel: &mut Panel<'_>, app: &App, source: Option<&SourceView>) {
    let Some(source) = source else { return };
    let bars = source.label_bars(&app.filter);
    if bars.is_empty() {
        let words = match (&source.window, app.filter.is_empty()) {
            (None, _) => "no window scored yet",
            (Some(_), true) => "no label scores 0.01",
            (Some(_), false) => "no label that contains the text scores 0.01",
        };
        panel.words(0, 0, words, Role::Quiet);
    }
    let name_columns = (panel.columns() / 4).min(MAX_NAME_COLUMNS);
    let reason_columns = if app.settings.shows_reasons { REASON_COLUMNS } else { 0 };
    let begin = name_columns + 1 + SCORE_COLUMNS;
    let bar_columns = panel.columns().saturating_sub(begin + reason_columns + 1);
    for (row, bar) in (0..panel.rows()).zip(&bars) {
        let is_event = bar.reason == Some(&Reason::Event);
        let role = if is_event { Role::Event } else { Role::Text };
        let style = panel.look.style(role);
        panel.text((0, row), name_columns, bar.label, style);
        panel.words(name_columns + 1, row, &format!("{:.2}", bar.score), role);
        draw_bar(panel, (begin, row), bar_columns, bar);
        if reason_columns > 0 {
            let words = bar.reason.map(in_words).unwrap_or_default();
            let role = if is_event { Role::Event } else { Role::Quiet };
            panel.words(begin + bar_columns + 1, row, &words, role);
        }
    }
}

fn draw_bar(panel: &mut Panel<'_>, (begin, row): (u16, u16), columns: u16, bar: &LabelBar<'_>) {
    let eighths = (bar.score.clamp(0.0, 1.0) * f32::from(columns) * 8.0).round() as u16;
    let role = if bar.reason == Some(&Reason::Event) { Role::Event } else { Role::Score };
    let style = panel.look.style(role);
    let threshold = bar.threshold.map(|threshold| {
        let place = threshold.clamp(0.0, 1.0) * f32::from(columns);
        (place as u16).min(columns.saturating_sub(1))
    });
    for column in 0..columns {
        let filled = eighths.saturating_sub(column * 8).min(8);
        let (character, style) = if threshold == Some(column) {
            (panel.look.pick('│', '|'), panel.look.style(Role::Threshold))
        } else {
            let unicode = EIGHTHS.get(usize::from(filled)).copied().unwrap_or('█');
            (panel.look.pick(unicode, if filled >= 4 { '#' } else { ' ' }), style)
        };
        if character != ' ' {
            panel.character(begin + column, row, character, style);
        }
    }
}

fn in_words(reason: &Reason) -> String {
    match reason {
        Reason::Event => "event".to_owned(),
        Reason::TooQuiet => "too quiet".to_owned(),
        Reason::NotAllowed => "not allowed".to_owned(),
        Reason::Cooldown => "cooldown".to_owned(),
        Reason::Unconfirmed { windows, needed, of } => {
            format!("{windows} of {needed}, last {of}")
        }
        Reason::Verifier { verifier_score } => format!("verifier {verifier_score:.2}"),
        Reason::HeldBack { by } => format!("held by {by}"),
        Reason::BelowThreshold => "below".to_owned(),
        Reason::Unknown => String::new(),
    }
}
