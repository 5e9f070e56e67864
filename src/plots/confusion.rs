//! The confusion matrix: true labels downwards, predicted ones across, counts in cells whose colour is the share of their
//! row. Fed counts; readable from two labels to a hundred.

use super::axis::{Axis, Tick};
use super::colour::{ColourMap, GRID, ink_on};
use super::colour_bar;
use super::font::{self, LABEL_EM, TICK_EM};
use super::panel::{Numbers, Panel};
use super::picture::{Area, Picture, Stroke, TextStyle, shortened};
use super::{PlotError, Sheet};

/// Labels longer than this are cut short, in pixels.
const MAX_LABEL_WIDTH: f64 = 170.0;
/// Numbers smaller than this cannot be read, in pixels.
const MIN_EM: f64 = 5.0;
/// Title of the axis and what lies between it, the labels and the panel.
const AXIS_ROOM: f64 = 34.0;

/// Draws how often each label was given to clips of each: `counts[truth][prediction]`.
///
/// # Errors
/// [`PlotError::Empty`] without labels, [`PlotError::Mismatch`] where `counts` is not one row and one column a label;
/// those of the [`Sheet`].
pub fn draw_confusion<S: AsRef<str>>(
    labels: &[S],
    counts: &[Vec<usize>],
    sheet: &Sheet,
) -> Result<Picture, PlotError> {
    check(labels.len(), counts)?;
    let texts: Vec<String> =
        labels.iter().map(|label| shortened(label.as_ref(), TICK_EM, MAX_LABEL_WIDTH)).collect();
    let widest = texts.iter().map(|text| font::width(text, TICK_EM)).fold(0.0, f64::max);
    let shares = Axis::share("share of the true label", 5);
    let bar = colour_bar::room(&shares);
    let cells = liked_cell(labels.len()) * labels.len() as f64;
    let margins = widest + AXIS_ROOM + 24.0;
    let liked = (cells + margins + bar, cells + margins + LABEL_EM * 2.2);
    let (mut picture, area) = sheet.begin((liked.0.ceil() as u32, liked.1.ceil() as u32))?;
    let inner = Area {
        left: area.left + widest + AXIS_ROOM,
        top: area.top,
        right: area.right - bar,
        bottom: area.bottom - widest - AXIS_ROOM,
    };
    let (across, down) = (axis("", &texts, Runs::Onwards), axis("", &texts, Runs::Back));
    let panel = Panel::within(&picture, inner, across, down)?;
    draw_cells(&mut picture, &panel, counts);
    draw_labels(&mut picture, &panel, &texts, widest);
    colour_bar::draw(&mut picture, panel.area, &ColourMap::blues(), &shares);
    let bare = Panel { x: bare(panel.x.clone()), y: bare(panel.y.clone()), ..panel };
    bare.draw_axes(&mut picture, Numbers::Below);
    Ok(picture)
}

fn check(labels: usize, counts: &[Vec<usize>]) -> Result<(), PlotError> {
    let picture = "the confusion matrix";
    if labels == 0 {
        return Err(PlotError::Empty { picture, what: "there is no label" });
    }
    let wrong = |what, found| Err(PlotError::Mismatch { picture, what, found, expected: labels });
    if counts.len() != labels {
        return wrong("its rows", counts.len());
    }
    match counts.iter().find(|row| row.len() != labels) {
        Some(row) => wrong("the columns of a row", row.len()),
        None => Ok(()),
    }
}

/// Large enough for three digits, and no larger than looks well.
fn liked_cell(labels: usize) -> f64 {
    (600.0 / labels as f64).clamp(19.0, 64.0)
}

/// Which way the labels run along an axis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    Onwards,
    Back,
}

fn axis(title: &str, texts: &[String], runs: Runs) -> Axis {
    let ticks = texts.iter().enumerate().map(|(index, text)| {
        let place = if runs == Runs::Onwards { index } else { texts.len() - 1 - index };
        Tick { at: place as f64 + 0.5, text: text.clone() }
    });
    Axis { title: title.to_owned(), from: 0.0, to: texts.len() as f64, ticks: ticks.collect() }
}

fn bare(axis: Axis) -> Axis {
    Axis { ticks: Vec::new(), ..axis }
}

fn draw_cells(picture: &mut Picture, panel: &Panel, counts: &[Vec<usize>]) {
    let map = ColourMap::blues();
    let labels = counts.len() as f64;
    let (width, height) = (panel.area.width() / labels, panel.area.height() / labels);
    let longest = counts.iter().flatten().max().map_or(1, |count| count.to_string().len());
    // as large as the longest number fits into a cell
    let em = (height * 0.62).min(width * 0.86 / font::width("0", 1.0) / longest as f64).min(15.0);
    for (truth, row) in counts.iter().enumerate() {
        let clips: usize = row.iter().sum();
        for (prediction, &count) in row.iter().enumerate() {
            let left = panel.area.left + prediction as f64 * width;
            let top = panel.area.top + truth as f64 * height;
            if count == 0 {
                continue;
            }
            let ground = map.at(count as f64 / clips as f64);
            let cell = Area { left, top, right: left + width, bottom: top + height };
            picture.fill(cell, ground);
            if em >= MIN_EM {
                let at = (left + width / 2.0, top + height / 2.0);
                let style = TextStyle::new(em, ink_on(ground)).middle();
                picture.text(at, &count.to_string(), style);
            }
        }
    }
    let stroke = Stroke { colour: GRID, width: 0.5 };
    for edge in 1..counts.len() {
        let x = panel.area.left + edge as f64 * width;
        let y = panel.area.top + edge as f64 * height;
        picture.line(&[(x, panel.area.top), (x, panel.area.bottom)], stroke);
        picture.line(&[(panel.area.left, y), (panel.area.right, y)], stroke);
    }
}

fn draw_labels(picture: &mut Picture, panel: &Panel, texts: &[String], widest: f64) {
    let area = panel.area;
    let cell = (area.width() / texts.len() as f64).min(area.height() / texts.len() as f64);
    let style = TextStyle::new(TICK_EM.min(cell * 0.8), super::colour::INK).end();
    for tick in &panel.y.ticks {
        picture.text((area.left - 6.0, panel.y_at(tick.at)), &tick.text, style);
    }
    for tick in &panel.x.ticks {
        picture.text((panel.x_at(tick.at), area.bottom + 6.0), &tick.text, style.upwards());
    }
    let title = TextStyle::new(LABEL_EM, super::colour::INK).middle();
    let (x, y) = ((area.left + area.right) / 2.0, (area.top + area.bottom) / 2.0);
    let away = widest + AXIS_ROOM - LABEL_EM * 0.6;
    picture.text((x, area.bottom + away), "predicted label", title);
    picture.text((area.left - away, y), "true label", title.upwards());
}
