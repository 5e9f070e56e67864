//! How often values of each size occur, with their median: detection delays, for one. Fed plain numbers.

use super::axis::{Axis, number};
use super::colour::{BLUE, ORANGE, faded};
use super::legend::{self, Entry, Swatch};
use super::panel::{Numbers, Panel};
use super::picture::{Area, Picture, Stroke};
use super::{PlotError, Sheet};

/// About so many bars.
const BARS: usize = 24;

/// Draws a histogram of `values`. `axis` is the title of the horizontal axis, unit included: "detection delay (s)".
///
/// # Errors
/// [`PlotError::Empty`] without a finite value; those of the [`Sheet`].
pub fn draw_histogram(values: &[f64], axis: &str, sheet: &Sheet) -> Result<Picture, PlotError> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(&lowest), Some(&highest)) = (sorted.first(), sorted.last()) else {
        return Err(PlotError::Empty { picture: "the histogram", what: "there is no value" });
    };
    let (mut picture, area) = sheet.begin((720, 380))?;
    let median = quantile(&sorted, 0.5);
    let ninth = quantile(&sorted, 0.9);
    let entries = [
        Entry::new(format!("{} values", sorted.len()), faded(BLUE, 0.6), Swatch::Filled),
        Entry::new(format!("median {}", number(median, 2)), ORANGE, Swatch::Line(2.0)),
        Entry::new(format!("90 % below {}", number(ninth, 2)), ORANGE, Swatch::Dashed(1.5)),
    ];
    let area = legend::draw_rows(&mut picture, &entries, area);
    // Ticks of the finest axis are the bounds of the bars.
    let bounds = Axis::rounded("", (lowest, highest), BARS);
    let counts = counted(&sorted, &bounds);
    let max = counts.iter().map(|bar| bar.2).max().unwrap_or(1);
    let across = Axis::linear(axis, (bounds.from, bounds.to), 10);
    let mut upwards = Axis::rounded("count", (0.0, max as f64), 5);
    upwards.ticks.retain(|tick| tick.at.fract() == 0.0);
    for tick in &mut upwards.ticks {
        tick.text = format!("{:.0}", tick.at);
    }
    let panel = Panel::fit(&picture, area, across, upwards)?;
    panel.draw_grid(&mut picture);
    for (from, to, count) in counts {
        let (left, top) = panel.at((from, count as f64));
        let (right, bottom) = panel.at((to, 0.0));
        let bar = Area { left: left + 0.5, right: right - 0.5, top, bottom };
        picture.fill(bar, faded(BLUE, 0.6));
    }
    let mark = |value: f64| panel.all_at(&[(value, panel.y.from), (value, panel.y.to)]);
    picture.line(&mark(median), Stroke { colour: ORANGE, width: 2.0 });
    picture.dashed_line(&mark(ninth), Stroke { colour: ORANGE, width: 1.5 }, 5.0);
    panel.draw_axes(&mut picture, Numbers::Shown);
    Ok(picture)
}

/// Bars from tick to tick: from, to, count. The last one holds its own upper bound too.
fn counted(sorted: &[f64], bounds: &Axis) -> Vec<(f64, f64, usize)> {
    let bars = bounds.ticks.len().saturating_sub(1);
    bounds
        .ticks
        .windows(2)
        .enumerate()
        .map(|(bar, pair)| {
            let (from, to) = (pair[0].at, pair[1].at);
            let below = |bound: f64| sorted.partition_point(|&value| value < bound);
            let end = if bar + 1 == bars { sorted.len() } else { below(to) };
            (from, to, end.saturating_sub(below(from)))
        })
        .collect()
}

/// Between neighbours in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * place.fract()
}
