//! How the screen is shared out among the panels.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::panel::Panel;
use super::{events, help, labels, meter, spectrogram, status};
use crate::watch::app::App;
use crate::watch::palette::{Look, Role};

/// The smallest screen.
pub const MIN_COLUMNS: u16 = 60;
/// The smallest screen.
pub const MIN_ROWS: u16 = 20;

/// From so many columns on, events stand beside labels instead of below.
const SIDE_BY_SIDE: u16 = 100;

/// Of the rows that are shared, so many in twenty are the spectrogram's; 64 bands fill 32 of them.
const SPECTROGRAM_SHARE: u16 = 11;
const MAX_SPECTROGRAM_ROWS: u16 = 32;

/// Puts the state on a frame.
pub fn draw(app: &App, look: &Look, frame: &mut Frame<'_>) {
    let whole = frame.area();
    let buffer = frame.buffer_mut();
    let Some(shown) = app.shown() else { return };
    if whole.width < MIN_COLUMNS || whole.height < MIN_ROWS {
        let mut panel = Panel::new(buffer, whole, look);
        let lines = [
            "too small".to_owned(),
            format!("{} by {}", whole.width, whole.height),
            format!("needs {MIN_COLUMNS} by {MIN_ROWS}"),
        ];
        for (row, line) in (0..).zip(&lines) {
            panel.words(0, row, line, Role::Warning);
        }
        return;
    }
    let mut next = 0;
    let mut rows = |count: u16| {
        let area = Rect { y: whole.y + next, height: count, ..whole };
        next += count;
        area
    };
    let status_rows = status::rows(whole.width);
    let is_wide = whole.width >= SIDE_BY_SIDE;
    let shared = whole.height - 1 - meter::ROWS - 1 - status_rows - 1;
    let spectrogram_rows = (shared * SPECTROGRAM_SHARE / 20).min(MAX_SPECTROGRAM_ROWS);
    let lists = shared - spectrogram_rows;
    status::draw_title(&mut Panel::new(buffer, rows(1), look), app, shown);
    meter::draw(&mut Panel::new(buffer, rows(meter::ROWS), look), shown.source);
    let plot = rows(spectrogram_rows + 1);
    spectrogram::draw(&mut Panel::new(buffer, plot, look), app, shown);
    let (labels_area, events_area) = if is_wide {
        let area = rows(lists);
        let left = Rect { width: area.width / 2, ..area };
        let right = Rect { x: area.x + left.width + 2, width: area.width - left.width - 2, ..area };
        (left, right)
    } else {
        (rows(lists.div_ceil(2)), rows(lists / 2))
    };
    labels::draw(&mut Panel::new(buffer, labels_area, look), app, shown.source);
    events::draw(&mut Panel::new(buffer, events_area, look), app, shown.source);
    status::draw(&mut Panel::new(buffer, rows(status_rows), look), app, shown);
    status::draw_keys(&mut Panel::new(buffer, rows(1), look), app);
    if app.is_help {
        help::draw(buffer, whole, look);
    }
}
