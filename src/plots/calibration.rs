//! The reliability diagram: how often a score of so much is right, and how often such a score is given. Fed bins as plain
//! numbers.

use super::axis::Axis;
use super::colour::{BLUE, INK, PALE_INK, faded};
use super::legend::{self, Entry, Swatch};
use super::panel::{Numbers, Panel, bottom_margin, left_margin};
use super::picture::{Area, Picture, Stroke};
use super::{PlotError, Sheet};

/// Predictions whose scores lie between two bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// The least score of the bin.
    pub from: f64,
    /// The highest score of the bin.
    pub to: f64,
    /// Their mean score.
    pub confidence: f64,
    /// The share of them that was right.
    pub accuracy: f64,
    /// How many there are; the other figures of a bin without any do not count.
    pub count: usize,
}

/// Draws accuracy over confidence, and below it how many predictions each bin holds. `error` is the expected calibration
/// error, a share.
///
/// # Errors
/// [`PlotError::Empty`] when no bin holds a prediction; those of the [`Sheet`].
pub fn draw_reliability(
    bins: &[ReliabilityBin],
    error: Option<f64>,
    sheet: &Sheet,
) -> Result<Picture, PlotError> {
    let filled: Vec<&ReliabilityBin> = bins.iter().filter(|bin| bin.count > 0).collect();
    if filled.is_empty() {
        let what = "no bin holds a prediction";
        return Err(PlotError::Empty { picture: "the reliability diagram", what });
    }
    let (mut picture, area) = sheet.begin((560, 640))?;
    let measured = match error {
        Some(error) => format!("measured (calibration error {:.1} %)", error * 100.0),
        None => "measured".to_owned(),
    };
    let entries = [
        Entry::new(measured, BLUE, Swatch::Line(2.0)),
        Entry::new("as it should be", PALE_INK, Swatch::Dashed(1.0)),
    ];
    let area = legend::draw_rows(&mut picture, &entries, area);
    let (upper, lower) = panels(&picture, area, &filled)?;
    upper.draw_grid(&mut picture);
    lower.draw_grid(&mut picture);
    for bin in &filled {
        let block = |panel: &Panel, height: f64| {
            let (left, top) = panel.at((bin.from, height));
            let (right, bottom) = panel.at((bin.to, panel.y.from));
            Area { left: left + 0.5, right: right - 0.5, top, bottom }
        };
        picture.fill(block(&upper, bin.accuracy), faded(BLUE, 0.25));
        picture.fill(block(&lower, bin.count as f64), faded(BLUE, 0.6));
    }
    let ideal = upper.all_at(&[(0.0, 0.0), (1.0, 1.0)]);
    picture.dashed_line(&ideal, Stroke { colour: INK, width: 1.0 }, 5.0);
    let points: Vec<(f64, f64)> = filled.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
    let points = upper.all_at(&points);
    picture.line(&points, Stroke { colour: BLUE, width: 2.0 });
    for &point in &points {
        picture.dot(point, 4.0, BLUE);
    }
    upper.draw_axes(&mut picture, Numbers::Below);
    lower.draw_axes(&mut picture, Numbers::Shown);
    Ok(picture)
}

fn panels(
    picture: &Picture,
    area: Area,
    filled: &[&ReliabilityBin],
) -> Result<(Panel, Panel), PlotError> {
    let max = filled.iter().map(|bin| bin.count).max().unwrap_or(1);
    let confidence = Axis::share("confidence", 5);
    let accuracy = Axis::share("share that is right", 5);
    let mut counts = Axis::rounded("predictions", (0.0, max as f64), 3);
    counts.ticks.retain(|tick| tick.at.fract() == 0.0);
    let left = area.left + left_margin(&accuracy).max(left_margin(&counts));
    let (right, top) = (area.right - 12.0, area.top + 6.0);
    let bottom = area.bottom - bottom_margin(&confidence);
    let split = top + (bottom - top) * 0.74;
    let above = Area { left, top, right, bottom: split - 7.0 };
    let below = Area { left, top: split + 7.0, right, bottom };
    let upper = Panel::within(picture, above, confidence.clone(), accuracy)?;
    Ok((upper, Panel::within(picture, below, confidence, counts)?))
}
