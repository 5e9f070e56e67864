//! The bar that says which colour stands for which number. Drawn beside spectrograms, label rows and matrices.

use super::axis::Axis;
use super::colour::{ColourMap, INK, PALE_INK};
use super::font::{self, LABEL_EM, TICK_EM};
use super::picture::{Area, Picture, Stroke, TextStyle};

const WIDTH: f64 = 14.0;
const GAP: f64 = 10.0;
const TICK_GAP: f64 = 5.0;
const STEPS: usize = 64;

/// The room it takes at the right of a panel.
pub(super) fn room(axis: &Axis) -> f64 {
    let widest = axis.ticks.iter().map(|tick| font::width(&tick.text, TICK_EM)).fold(0.0, f64::max);
    let title = if axis.title.is_empty() { 0.0 } else { LABEL_EM * 1.6 };
    GAP + WIDTH + TICK_GAP + widest + title
}

/// Draws it at the right of `panel`, as tall as that.
pub(super) fn draw(picture: &mut Picture, panel: Area, map: &ColourMap, axis: &Axis) {
    let left = panel.right + GAP;
    let area = Area { left, right: left + WIDTH, ..panel };
    let height = area.height() / STEPS as f64;
    for step in 0..STEPS {
        let top = area.top + height * step as f64;
        // a little into the next, which covers it: no seam shows between them
        let bottom = (top + height + 0.75).min(area.bottom);
        let colour = map.at(1.0 - step as f64 / (STEPS - 1) as f64);
        picture.fill(Area { top, bottom, ..area }, colour);
    }
    let stroke = Stroke { colour: PALE_INK, width: 1.0 };
    picture.outline(area, stroke);
    for tick in &axis.ticks {
        let y = area.bottom - axis.along(tick.at) * area.height();
        picture.line(&[(area.right, y), (area.right + 3.0, y)], stroke);
        picture.text((area.right + TICK_GAP, y), &tick.text, TextStyle::new(TICK_EM, INK));
    }
    if !axis.title.is_empty() {
        let x = panel.right + room(axis) - LABEL_EM * 0.6;
        let middle = (area.top + area.bottom) / 2.0;
        let style = TextStyle::new(LABEL_EM, INK).middle().upwards();
        picture.text((x, middle), &axis.title, style);
    }
}
