//! The table of keys, over the rest of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::panel::Panel;
use crate::watch::keys::KEYS;
use crate::watch::palette::{Look, Role};

const COLUMNS: u16 = 54;
/// Where the words begin.
const WORDS: u16 = 16;

pub(super) fn draw(buffer: &mut Buffer, whole: Rect, look: &Look) {
    let rows = u16::try_from(KEYS.len()).unwrap_or(u16::MAX).saturating_add(3);
    let area = Rect {
        x: whole.x + whole.width.saturating_sub(COLUMNS) / 2,
        y: whole.y + whole.height.saturating_sub(rows) / 2,
        width: COLUMNS,
        height: rows,
    };
    let mut panel = Panel::new(buffer, area, look);
    let text = look.style(Role::Text);
    for row in 0..panel.rows() {
        for column in 0..panel.columns() {
            panel.clear(column, row);
        }
    }
    let (last_row, last) = (panel.rows().saturating_sub(1), panel.columns().saturating_sub(1));
    let (across, down) = look.pick(('─', '│'), ('-', '|'));
    for column in 0..panel.columns() {
        panel.character(column, 0, across, text);
        panel.character(column, last_row, across, text);
    }
    for row in 1..last_row {
        panel.character(0, row, down, text);
        panel.character(last, row, down, text);
    }
    for (column, row, corner) in [
        (0, 0, look.pick('┌', '+')),
        (last, 0, look.pick('┐', '+')),
        (0, last_row, look.pick('└', '+')),
        (last, last_row, look.pick('┘', '+')),
    ] {
        panel.character(column, row, corner, text);
    }
    panel.words(2, 0, " Keys ", Role::Title);
    for (row, binding) in (1..).zip(&KEYS) {
        panel.words(2, row, binding.shown, Role::Event);
        panel.words(WORDS, row, binding.words, Role::Text);
    }
    panel.words(
        2,
        last_row.saturating_sub(1),
        "Times are in UTC. docs/WATCH.md has more.",
        Role::Quiet,
    );
}
