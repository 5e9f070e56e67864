//! Bars: one figure or several of every class, a row a class, so that fifty can be read. Fed shares as plain numbers.

use super::axis::{Axis, Tick};
use super::colour::{self, INK, PALE_INK};
use super::font::{self, TICK_EM};
use super::legend::{self, Entry, Swatch};
use super::panel::{Numbers, Panel, bottom_margin, left_margin};
use super::picture::{Area, Picture, TextStyle, shortened};
use super::{PlotError, Sheet};

const MAX_LABEL_WIDTH: f64 = 190.0;
const PICTURE: &str = "the bars of classes";

/// One figure of every class, between 0 and 1; none where it is not defined.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassSeries {
    /// What the figure is: "F1", "recall".
    pub name: String,
    /// In the order of the labels.
    pub values: Vec<Option<f64>>,
}

/// Draws bars, classes downwards in the order given, the series of each side by side, with their numbers.
///
/// # Errors
/// [`PlotError::Empty`] without labels or series, [`PlotError::Mismatch`] where a series is not one value a label; those
/// of the [`Sheet`].
pub fn draw_class_bars<S: AsRef<str>>(
    labels: &[S],
    series: &[ClassSeries],
    sheet: &Sheet,
) -> Result<Picture, PlotError> {
    if labels.is_empty() || series.is_empty() {
        return Err(PlotError::Empty { picture: PICTURE, what: "there is no class, or no figure" });
    }
    if let Some(wrong) = series.iter().find(|series| series.values.len() != labels.len()) {
        let (found, expected) = (wrong.values.len(), labels.len());
        return Err(PlotError::Mismatch { picture: PICTURE, what: "values", found, expected });
    }
    let row = (11.0 * series.len() as f64 + 6.0).max(19.0);
    let liked = row * labels.len() as f64 + 110.0;
    let (mut picture, area) = sheet.begin((720, liked.min(8_000.0) as u32))?;
    let entries: Vec<Entry> = series
        .iter()
        .enumerate()
        .map(|(index, series)| Entry::new(&series.name, colour::line(index), Swatch::Filled))
        .collect();
    let area = legend::draw_rows(&mut picture, &entries, area);
    let (shares, classes) = (Axis::share("share", 10), class_axis(labels));
    let inner = Area {
        left: area.left + left_margin(&classes),
        top: area.top + 4.0,
        // the numbers of full bars stand beside them
        right: area.right - font::width("1.00", TICK_EM) - 6.0,
        bottom: area.bottom - bottom_margin(&shares),
    };
    let panel = Panel::within(&picture, inner, shares, classes)?;
    let grid = Panel { y: Axis { ticks: Vec::new(), ..panel.y.clone() }, ..panel.clone() };
    grid.draw_grid(&mut picture);
    panel.draw_axes(&mut picture, Numbers::Shown);
    for (index, of_all) in series.iter().enumerate() {
        draw_series(&mut picture, &panel, of_all, index, series.len());
    }
    Ok(picture)
}

/// The first class on top.
fn class_axis<S: AsRef<str>>(labels: &[S]) -> Axis {
    let ticks = labels.iter().enumerate().map(|(index, label)| Tick {
        at: (labels.len() - index) as f64 - 0.5,
        text: shortened(label.as_ref(), TICK_EM, MAX_LABEL_WIDTH),
    });
    let ticks = ticks.collect();
    Axis { title: String::new(), from: 0.0, to: labels.len() as f64, ticks }
}

/// One of several series, the `place`th `of` as many: bars of a class lie below each other.
fn draw_series(
    picture: &mut Picture,
    panel: &Panel,
    series: &ClassSeries,
    place: usize,
    of: usize,
) {
    let row = panel.area.height() / series.values.len() as f64;
    let thickness = row * 0.8 / of as f64;
    let em = (thickness * 0.95).clamp(6.0, TICK_EM);
    for (class, value) in series.values.iter().enumerate() {
        let top = panel.area.top + row * (class as f64 + 0.1) + thickness * place as f64;
        let middle = top + thickness / 2.0;
        let right = panel.x_at(value.unwrap_or(0.0).clamp(0.0, 1.0));
        if value.is_some() {
            let bottom = top + thickness * 0.9;
            let area = Area { left: panel.area.left, top, right, bottom };
            picture.fill(area, colour::line(place));
        }
        let (text, ink) = match value {
            Some(value) => (format!("{value:.2}"), INK),
            None => ("–".to_owned(), PALE_INK),
        };
        picture.text((right + 4.0, middle), &text, TextStyle::new(em, ink));
    }
}
