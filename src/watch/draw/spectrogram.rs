//! The spectrogram in colour, with axes in seconds and Hz. A cell shows two levels, one above the other, where the terminal can.

use ratatui::style::Style;

use super::panel::Panel;
use crate::watch::app::{App, Motion, Shown};
use crate::watch::palette::{Look, Role};
use crate::watch::spectrogram::{FrequencyAxis, Spectrogram};

/// Numbers of Hz, and a space.
const AXIS_COLUMNS: u16 = 5;

/// Frequencies that may be marked, the most useful first: a mark that has no row of its own is left out.
const MARKS: [(f64, &str); 13] = [
    (1_000.0, "1k"),
    (4_000.0, "4k"),
    (200.0, "200"),
    (500.0, "500"),
    (2_000.0, "2k"),
    (8_000.0, "8k"),
    (16_000.0, "16k"),
    (100.0, "100"),
    (6_000.0, "6k"),
    (3_000.0, "3k"),
    (1_500.0, "1.5k"),
    (300.0, "300"),
    (700.0, "700"),
];

/// Seconds between marks of time: the first that leaves room for the numbers.
const TIME_STEPS: [f64; 9] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0];
const TIME_MARK_COLUMNS: f64 = 10.0;

/// Of a column's values, what is drawn black, and what is drawn lightest: the quietest and the loudest tenth of the range is
/// hardly ever used, and what lies between is seen better.
const DARKEST: u8 = 64;
const LIGHTEST: u8 = 232;

/// Less than any column lasts: what only touches a time does not belong to it.
const INSTANT_S: f64 = 1e-6;

pub(super) fn draw(panel: &mut Panel<'_>, app: &App, shown: Shown<'_>) {
    let (columns, rows) =
        (panel.columns().saturating_sub(AXIS_COLUMNS), panel.rows().saturating_sub(1));
    let Some(source) = shown.source else { return };
    let spectrogram = &source.spectrogram;
    let (Some(axis), Some((_, newest_s))) = (spectrogram.axis(), spectrogram.span_s()) else {
        let words = if source.has_no_spectrogram() {
            "the model takes the waveform: there is no spectrogram"
        } else {
            "no spectrogram yet"
        };
        panel.words(AXIS_COLUMNS, rows / 2, words, Role::Quiet);
        return;
    };
    draw_frequencies(panel, axis, rows);
    let back_s = shown.frozen_back_s.unwrap_or(0.0);
    let time = TimeAxis::new(app, newest_s - back_s, columns);
    let mut picture = Picture { spectrogram, peaks: Vec::new(), rows };
    for column in 0..columns {
        let Some(from_s) = time.at(column) else { continue };
        let to_s = (from_s + time.seconds_per_column).min(time.end_s);
        picture.draw_column(panel, AXIS_COLUMNS + column, from_s, to_s);
    }
    time.draw(panel, rows, back_s);
}

/// Which time a column of the screen shows.
struct TimeAxis {
    motion: Motion,
    columns: u16,
    seconds_per_column: f64,
    seconds_across: f64,
    /// The newest time that is shown.
    end_s: f64,
    /// Sweeping, the column that is written, and the time at which this sweep began. Scrolling, the time at the right edge.
    head: u16,
    origin_s: f64,
}

impl TimeAxis {
    fn new(app: &App, end_s: f64, columns: u16) -> Self {
        let seconds_across = app.settings.seconds_across;
        let seconds_per_column = seconds_across / f64::from(columns.max(1));
        let motion = app.settings.motion;
        let (head, origin_s) = match motion {
            Motion::Sweep => {
                let newest = (end_s - INSTANT_S).max(0.0);
                let origin_s = (newest / seconds_across).floor() * seconds_across;
                (((newest - origin_s) / seconds_per_column) as u16, origin_s)
            }
            // in whole columns: what is shown once keeps its colour on its way to the left
            Motion::Scroll => {
                (columns, ((end_s - INSTANT_S) / seconds_per_column).ceil() * seconds_per_column)
            }
        };
        Self { motion, columns, seconds_per_column, seconds_across, end_s, head, origin_s }
    }

    /// From when on `column` shows; none where it is empty, just before the head.
    fn at(&self, column: u16) -> Option<f64> {
        let from_left = f64::from(column) * self.seconds_per_column;
        match self.motion {
            Motion::Sweep if column <= self.head => Some(self.origin_s + from_left),
            Motion::Sweep if column == self.head.saturating_add(1) => None,
            Motion::Sweep => Some(self.origin_s - self.seconds_across + from_left),
            Motion::Scroll => {
                let to_right = f64::from(self.columns - column) * self.seconds_per_column;
                Some(self.origin_s - to_right)
            }
        }
    }

    fn draw(&self, panel: &mut Panel<'_>, row: u16, back_s: f64) {
        let wanted = TIME_MARK_COLUMNS * self.seconds_per_column;
        let step = TIME_STEPS.into_iter().find(|step| *step >= wanted).unwrap_or(TIME_STEPS[8]);
        panel.words(0, row, "Hz", Role::Quiet);
        let marks = (self.seconds_across / step + 1e-9) as u32;
        for mark in 0..=marks {
            let seconds = f64::from(mark) * step;
            let (place, text) = match self.motion {
                Motion::Sweep => (seconds, format!("{seconds} s")),
                Motion::Scroll => {
                    let text = match seconds + back_s {
                        0.0 => "now".to_owned(),
                        back => format!("-{back:.1} s").replace(".0 s", " s"),
                    };
                    (self.seconds_across - seconds, text)
                }
            };
            let place = (place / self.seconds_per_column).round() as u16;
            // a number begins at its mark, and scrolling ends there: the newest is at the edge
            let shift = match self.motion {
                Motion::Sweep => 0,
                Motion::Scroll => u16::try_from(text.len()).unwrap_or(0),
            };
            if place >= shift && (place - shift).saturating_add(4) <= self.columns {
                panel.words(AXIS_COLUMNS + place - shift, row, &text, Role::Quiet);
            }
        }
    }
}

/// Columns of levels on their way to the screen.
struct Picture<'a> {
    spectrogram: &'a Spectrogram,
    peaks: Vec<u8>,
    rows: u16,
}

impl Picture<'_> {
    fn draw_column(&mut self, panel: &mut Panel<'_>, column: u16, from_s: f64, to_s: f64) {
        let (from_s, to_s) = (from_s + INSTANT_S, to_s - INSTANT_S);
        if !self.spectrogram.peaks_between(from_s, to_s, &mut self.peaks) {
            return;
        }
        let look = panel.look;
        let halves = if look.has_half_cells() { 2 } else { 1 };
        let height = usize::from(self.rows) * halves;
        for row in 0..usize::from(self.rows) {
            let top = self.level(row * halves, height);
            let bottom = self.level(row * halves + halves - 1, height);
            let (character, style) = match (look.heat(top), look.heat(bottom)) {
                (Some(top), Some(bottom)) if top != bottom => {
                    ('▀', Style::new().fg(top).bg(bottom))
                }
                (Some(both), _) => (' ', Style::new().bg(both)),
                (None, _) => (Look::character(top), Style::new()),
            };
            // there are at most as many rows as a screen has
            panel.character(column, u16::try_from(row).unwrap_or(u16::MAX), character, style);
        }
    }

    /// The level of a place from the top: the highest of the bands that it covers.
    fn level(&self, from_top: usize, height: usize) -> u8 {
        let bands = self.peaks.len();
        let from_bottom = height - 1 - from_top;
        let first = from_bottom * bands / height;
        let last = ((from_bottom + 1) * bands).div_ceil(height).clamp(first + 1, bands);
        let value = self.peaks[first..last].iter().copied().max().unwrap_or(0);
        let span = u32::from(LIGHTEST - DARKEST);
        let level = u32::from(value.saturating_sub(DARKEST)) * 255 / span;
        u8::try_from(level).unwrap_or(u8::MAX)
    }
}

fn draw_frequencies(panel: &mut Panel<'_>, axis: &FrequencyAxis, rows: u16) {
    let mut taken: Vec<u16> = Vec::new();
    for (hz, text) in MARKS {
        let place = axis.place(hz);
        if !(0.0..1.0).contains(&place) {
            continue;
        }
        let row = ((1.0 - place) * f64::from(rows)) as u16;
        if taken.iter().all(|other| other.abs_diff(row) > 1) {
            taken.push(row);
            panel.words(0, row, text, Role::Quiet);
        }
    }
}
