//! One pair of axes and the area between them. Picture kinds lay out one or several, then draw into them in the units
//! of the data.

use super::PlotError;
use super::axis::Axis;
use super::colour::{GRID, INK, PALE_INK};
use super::font::{self, LABEL_EM, TICK_EM};
use super::picture::{Area, Picture, Stroke, TextStyle};

/// From an axis to its ticks' text.
const TICK_GAP: f64 = 6.0;
/// The least an area between axes may measure.
const MIN_ROOM: f64 = 40.0;

/// Whether an axis' numbers stand at the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Shown,
    /// The panel below has the same axis.
    Below,
}

/// Two axes and the area between them.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    pub area: Area,
    pub x: Axis,
    pub y: Axis,
}

/// The room that the vertical axis takes at the left.
pub(super) fn left_margin(y: &Axis) -> f64 {
    let widest = y.ticks.iter().map(|tick| font::width(&tick.text, TICK_EM)).fold(0.0, f64::max);
    let title = if y.title.is_empty() { 0.0 } else { LABEL_EM * 1.9 };
    widest + TICK_GAP + title
}

/// The room that the horizontal axis takes below.
pub(super) fn bottom_margin(x: &Axis) -> f64 {
    let ticks = if x.ticks.is_empty() { 0.0 } else { TICK_GAP + TICK_EM };
    let title = if x.title.is_empty() { 0.0 } else { LABEL_EM * 1.6 };
    ticks + title
}

impl Panel {
    /// A panel that fills `outer` together with its axes.
    ///
    /// # Errors
    /// [`PlotError::Cramped`].
    pub fn fit(picture: &Picture, outer: Area, x: Axis, y: Axis) -> Result<Self, PlotError> {
        let half_tick = x.ticks.last().map_or(0.0, |tick| font::width(&tick.text, TICK_EM) / 2.0);
        let area = Area {
            left: outer.left + left_margin(&y),
            top: outer.top + TICK_EM / 2.0,
            right: outer.right - half_tick,
            bottom: outer.bottom - bottom_margin(&x),
        };
        Self::within(picture, area, x, y)
    }

    /// A panel whose area between the axes is `area`, moved to whole pixels: frames and bars are sharp there.
    ///
    /// # Errors
    /// [`PlotError::Cramped`].
    pub fn within(picture: &Picture, area: Area, x: Axis, y: Axis) -> Result<Self, PlotError> {
        if area.width() < MIN_ROOM || area.height() < MIN_ROOM {
            return Err(PlotError::Cramped { width: picture.width, height: picture.height });
        }
        let area = Area {
            left: area.left.round(),
            top: area.top.round(),
            right: area.right.round(),
            bottom: area.bottom.round(),
        };
        Ok(Self { area, x, y })
    }

    pub fn x_at(&self, value: f64) -> f64 {
        self.area.left + self.x.along(value) * self.area.width()
    }

    /// Upwards, as on paper.
    pub fn y_at(&self, value: f64) -> f64 {
        self.area.bottom - self.y.along(value) * self.area.height()
    }

    /// A point of the data, kept within the panel.
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let area = self.area;
        // NaN stays NaN: a gap in the line
        (self.x_at(x).clamp(area.left, area.right), self.y_at(y).clamp(area.top, area.bottom))
    }

    pub fn all_at(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        points.iter().map(|&point| self.at(point)).collect()
    }

    /// The area between two values of the horizontal axis, from top to bottom.
    pub fn stripe(&self, from: f64, to: f64) -> Area {
        let (left, _) = self.at((from, self.y.from));
        let (right, _) = self.at((to, self.y.from));
        Area { left, right, ..self.area }
    }

    /// The grid, to be drawn before the data.
    pub fn draw_grid(&self, picture: &mut Picture) {
        let stroke = Stroke { colour: GRID, width: 1.0 };
        for tick in &self.x.ticks {
            let x = self.x_at(tick.at);
            picture.line(&[(x, self.area.top), (x, self.area.bottom)], stroke);
        }
        for tick in &self.y.ticks {
            let y = self.y_at(tick.at);
            picture.line(&[(self.area.left, y), (self.area.right, y)], stroke);
        }
    }

    /// Frame, ticks and titles, to be drawn after the data.
    pub fn draw_axes(&self, picture: &mut Picture, numbers: Numbers) {
        let stroke = Stroke { colour: PALE_INK, width: 1.0 };
        let Area { left, top, right, bottom } = self.area;
        picture.outline(self.area, stroke);
        let tick_style = TextStyle::new(TICK_EM, INK);
        for tick in &self.x.ticks {
            let x = self.x_at(tick.at);
            picture.line(&[(x, bottom), (x, bottom + 3.0)], stroke);
            if numbers == Numbers::Shown {
                let y = bottom + TICK_GAP + TICK_EM / 2.0;
                picture.text((x, y), &tick.text, tick_style.middle());
            }
        }
        for tick in &self.y.ticks {
            let y = self.y_at(tick.at);
            picture.line(&[(left - 3.0, y), (left, y)], stroke);
            picture.text((left - TICK_GAP, y), &tick.text, tick_style.end());
        }
        let title = TextStyle::new(LABEL_EM, INK).middle();
        if numbers == Numbers::Shown && !self.x.title.is_empty() {
            let y = bottom + bottom_margin(&self.x) - LABEL_EM * 0.6;
            picture.text(((left + right) / 2.0, y), &self.x.title, title);
        }
        if !self.y.title.is_empty() {
            let x = left - left_margin(&self.y) + LABEL_EM * 0.6;
            picture.text((x, (top + bottom) / 2.0), &self.y.title, title.upwards());
        }
    }
}
