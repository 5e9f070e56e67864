//! Legends: what each line is. Laid out in rows above a panel, or as a column beside it.

use plotters::style::RGBAColor;

use super::colour::INK;
use super::font::{self, LABEL_EM};
use super::picture::{Area, Picture, Stroke, TextStyle, shortened};

const SWATCH: f64 = 22.0;
const GAP: f64 = 6.0;
const ROW: f64 = LABEL_EM * 1.5;
/// Between two entries of a row.
const BETWEEN: f64 = 18.0;

/// How an entry's sample is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Swatch {
    Line(f64),
    Dashed(f64),
    Filled,
    Outlined,
}

/// What one line, or one kind of area, is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub text: String,
    pub colour: RGBAColor,
    pub swatch: Swatch,
}

impl Entry {
    pub fn new(text: impl Into<String>, colour: RGBAColor, swatch: Swatch) -> Self {
        Self { text: text.into(), colour, swatch }
    }

    fn width(&self) -> f64 {
        SWATCH + GAP + font::width(&self.text, LABEL_EM)
    }
}

/// The room a column of `entries` takes, at most `max`.
pub(super) fn column_width(entries: &[Entry], max: f64) -> f64 {
    entries.iter().map(Entry::width).fold(0.0, f64::max).min(max)
}

/// Draws one entry below the other from the upper left corner of `area`.
pub(super) fn draw_column(picture: &mut Picture, entries: &[Entry], area: Area) {
    for (row, entry) in entries.iter().enumerate() {
        let y = area.top + ROW * (row as f64 + 0.5);
        if y + ROW / 2.0 <= area.bottom + 1.0 {
            draw_entry(picture, entry, (area.left, y), area.width());
        }
    }
}

/// Draws entries side by side at the top of `area`, in as many rows as they need; gives the area below them.
pub(super) fn draw_rows(picture: &mut Picture, entries: &[Entry], area: Area) -> Area {
    if entries.is_empty() {
        return area;
    }
    let (mut x, mut y) = (area.left, area.top + ROW / 2.0);
    for entry in entries {
        let width = entry.width().min(area.width());
        if x > area.left && x + width > area.right {
            (x, y) = (area.left, y + ROW);
        }
        draw_entry(picture, entry, (x, y), area.right - x);
        x += width + BETWEEN;
    }
    Area { top: y + ROW * 0.75, ..area }
}

fn draw_entry(picture: &mut Picture, entry: &Entry, (x, y): (f64, f64), room: f64) {
    let line = [(x, y), (x + SWATCH, y)];
    let block =
        Area { left: x, right: x + SWATCH, top: y - LABEL_EM * 0.4, bottom: y + LABEL_EM * 0.4 };
    match entry.swatch {
        Swatch::Line(width) => picture.line(&line, Stroke { colour: entry.colour, width }),
        Swatch::Dashed(width) => {
            picture.dashed_line(&line, Stroke { colour: entry.colour, width }, 5.0);
        }
        Swatch::Filled => picture.fill(block, entry.colour),
        Swatch::Outlined => picture.outline(block, Stroke { colour: entry.colour, width: 2.0 }),
    }
    let text = shortened(&entry.text, LABEL_EM, room - SWATCH - GAP);
    picture.text((x + SWATCH + GAP, y), &text, TextStyle::new(LABEL_EM, INK));
}
