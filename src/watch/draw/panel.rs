//! A part of the screen, and text from outside made fit for it. Nothing is written outside a panel, whatever is asked for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use crate::domain::is_steering;
use crate::watch::palette::{Glyphs, Look, Role};

/// Marks that may be written over one character: more than any language writes.
const MAX_MARKS: usize = 2;

/// A part of the screen.
pub(super) struct Panel<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    pub(super) look: &'a Look,
}

impl<'a> Panel<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, area: Rect, look: &'a Look) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area, look }
    }

    pub(super) fn columns(&self) -> u16 {
        self.area.width
    }

    pub(super) fn rows(&self) -> u16 {
        self.area.height
    }

    /// Writes a character of one column.
    pub(super) fn character(&mut self, column: u16, row: u16, character: char, style: Style) {
        if column < self.area.width
            && row < self.area.height
            && let Some(cell) = self.buffer.cell_mut((self.area.x + column, self.area.y + row))
        {
            cell.set_char(character).set_style(style);
        }
    }

    /// Makes a cell as it was before anything was drawn.
    pub(super) fn clear(&mut self, column: u16, row: u16) {
        if column < self.area.width
            && row < self.area.height
            && let Some(cell) = self.buffer.cell_mut((self.area.x + column, self.area.y + row))
        {
            cell.reset();
        }
    }

    /// Writes `text` from `column` on, in at most `columns` of them; gives the column behind it.
    pub(super) fn text(
        &mut self,
        (column, row): (u16, u16),
        columns: u16,
        text: &str,
        style: Style,
    ) -> u16 {
        let columns = columns.min(self.area.width.saturating_sub(column));
        if row >= self.area.height || columns == 0 {
            return column;
        }
        let text = fitted(text, usize::from(columns), self.look.glyphs());
        let (x, y) = (self.area.x + column, self.area.y + row);
        let (end, _) = self.buffer.set_stringn(x, y, &text, usize::from(columns), style);
        end - self.area.x
    }

    /// Writes words of a role from `column` on.
    pub(super) fn words(&mut self, column: u16, row: u16, words: &str, role: Role) -> u16 {
        let style = self.look.style(role);
        self.text((column, row), u16::MAX, words, style)
    }

    /// Writes words of a role so that they end with the row.
    pub(super) fn words_at_end(&mut self, row: u16, words: &str, role: Role) {
        let columns = u16::try_from(Span::raw(words).width()).unwrap_or(u16::MAX);
        self.words(self.area.width.saturating_sub(columns), row, words, role);
    }
}

/// `text` without what steers a terminal, in at most `columns`; what was cut ends with a mark.
pub(super) fn fitted(text: &str, columns: usize, glyphs: Glyphs) -> String {
    let (mut fitted, mut used, mut marks) = (String::new(), 0, 0);
    // where to cut, should there be more than fits behind it
    let (mut cut, mut used_at_cut) = (0, 0);
    for character in text.chars() {
        let character = match character {
            steering if is_steering(steering) => ' ',
            other if glyphs == Glyphs::Ascii && !other.is_ascii() => '?',
            other => other,
        };
        let width = Span::raw(character.encode_utf8(&mut [0; 4]) as &str).width();
        marks = if width == 0 { marks + 1 } else { 0 };
        if marks > MAX_MARKS || (width == 0 && fitted.is_empty()) {
            continue;
        }
        if used + width > columns {
            let mark = match glyphs {
                Glyphs::Unicode => '…',
                Glyphs::Ascii => '~',
            };
            fitted.truncate(cut);
            if used_at_cut < columns {
                fitted.push(mark);
            }
            return fitted;
        }
        fitted.push(character);
        used += width;
        if used < columns {
            (cut, used_at_cut) = (fitted.len(), used);
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_fits_and_does_not_steer() {
        let unicode = |text: &str, columns| fitted(text, columns, Glyphs::Unicode);
        assert_eq!(unicode("dog", 3), "dog");
        assert_eq!(unicode("dogs", 3), "do…");
        assert_eq!(unicode("\u{1b}[31mdog\u{202e}", 20), " [31mdog ");
        assert_eq!(unicode("麦克风", 5), "麦克…");
        assert_eq!(unicode("麦克风", 6), "麦克风");
        assert_eq!(unicode("x", 0), "");
        let pile = format!("a{}b", "\u{301}".repeat(100));
        assert_eq!(unicode(&pile, 5), "a\u{301}\u{301}b");
        assert_eq!(fitted("Türe zu", 5, Glyphs::Ascii), "T?re~");
    }
}
