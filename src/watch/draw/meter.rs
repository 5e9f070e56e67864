//! The level: a bar of the mean level, the peak above it, the held peak, the floor, and a mark of clipping that stays.

use super::panel::Panel;
use crate::watch::palette::Role;
use crate::watch::source_view::SourceView;

/// The bar and its scale.
pub(super) const ROWS: u16 = 2;

/// The lowest level of the scale: a quiet room through a cheap microphone.
const BOTTOM_DBFS: f32 = -60.0;
/// Where the bar begins to be close to full scale, and where it is.
const HIGH_DBFS: f32 = -20.0;
const HOT_DBFS: f32 = -6.0;
/// Marks of the scale.
const MARKS_DBFS: [i8; 6] = [-60, -40, -20, -9, -3, 0];

/// What stands before the bar, and the figures behind it.
const NAME_COLUMNS: u16 = 6;
const FIGURE_COLUMNS: u16 = 21;

pub(super) fn draw(panel: &mut Panel<'_>, source: Option<&SourceView>) {
    let columns = panel.columns().saturating_sub(NAME_COLUMNS + FIGURE_COLUMNS);
    let figures = NAME_COLUMNS + columns + 1;
    panel.words(0, 0, "level", Role::Quiet);
    draw_scale(panel, columns);
    let Some(source) = source else { return };
    let clipped = source.meter.clipped_samples();
    if clipped > 0 {
        let column = panel.columns().saturating_sub(6);
        panel.words(column, 0, " CLIP ", Role::Bad);
    }
    let Some(levels) = source.meter.levels() else {
        panel.words(figures, 0, "no level", Role::Warning);
        return;
    };
    let place = |level: f32| place(level, columns);
    let (rms, peak) = (place(levels.rms_dbfs), place(levels.peak_dbfs));
    for column in 0..columns {
        let role = role(BOTTOM_DBFS * (1.0 - f32::from(column) / f32::from(columns)));
        let style = panel.look.style(role);
        let character = if column < rms {
            panel.look.pick('█', '#')
        } else if column < peak {
            panel.look.pick('▒', '=')
        } else {
            continue;
        };
        panel.character(NAME_COLUMNS + column, 0, character, style);
    }
    let held = NAME_COLUMNS + place(levels.held_dbfs).saturating_sub(1);
    let style = panel.look.style(role(levels.held_dbfs));
    panel.character(held, 0, panel.look.pick('┃', '|'), style);
    let floor = NAME_COLUMNS + place(levels.floor_dbfs).saturating_sub(1);
    panel.character(floor, 0, panel.look.pick('┆', ':'), panel.look.style(Role::Score));
    panel.words(figures, 0, &format!("peak {:>5.1} dB", levels.held_dbfs), role(levels.held_dbfs));
    panel.words(figures, 1, &format!("floor {:>4.0} dB", levels.floor_dbfs), Role::Score);
}

fn role(level_dbfs: f32) -> Role {
    if level_dbfs >= HOT_DBFS {
        Role::Bad
    } else if level_dbfs >= HIGH_DBFS {
        Role::Warning
    } else {
        Role::Good
    }
}

/// How many columns a level fills.
fn place(level_dbfs: f32, columns: u16) -> u16 {
    let share = (1.0 - level_dbfs / BOTTOM_DBFS).clamp(0.0, 1.0);
    // a cast of NaN gives zero: an empty bar
    (share * f32::from(columns)).round() as u16
}

fn draw_scale(panel: &mut Panel<'_>, columns: u16) {
    for mark in MARKS_DBFS {
        let text = mark.to_string();
        let place = NAME_COLUMNS + place(f32::from(mark), columns).saturating_sub(1);
        // the number ends at its mark, but for the first, which begins there
        let shift = u16::try_from(text.len()).unwrap_or(0).saturating_sub(1);
        let column = if mark == MARKS_DBFS[0] { place } else { place.saturating_sub(shift) };
        panel.words(column, 1, &text, Role::Quiet);
    }
}
