//! Curves over every threshold: receiver operating characteristic, and precision over recall. Fed points as plain
//! numbers.

use plotters::style::RGBAColor;

use super::axis::Axis;
use super::colour::{self, AVERAGES, PALE_INK, faded};
use super::legend::{self, Entry, Swatch};
use super::panel::{Numbers, Panel};
use super::picture::{Area, Picture, Stroke};
use super::{PlotError, Sheet};

/// Up to so many classes, each has a colour and a line in the legend.
const NAMED_CLASSES: usize = 12;
const SIDE: u32 = 560;
const LEGEND_ROOM: f64 = 270.0;

/// One class's curve, or the average of several.
///
/// # Shapes
/// `points`: (false-positive rate, true-positive rate) or (recall, precision), in the order they are to be joined.
#[derive(Debug, Clone, PartialEq)]
pub struct RateCurve {
    /// The class, or which average.
    pub label: String,
    /// The area under the curve, where it is known.
    pub area: Option<f64>,
    /// The curve.
    pub points: Vec<(f64, f64)>,
}

/// Draws receiver operating characteristics: every class lightly, the averages boldly; up to twelve classes have colours
/// and names, of more there is the mean area.
///
/// # Errors
/// [`PlotError::Empty`] without a curve; those of the [`Sheet`].
pub fn draw_roc(
    classes: &[RateCurve],
    averages: &[RateCurve],
    sheet: &Sheet,
) -> Result<Picture, PlotError> {
    draw(classes, averages, Kind::Roc, sheet)
}

/// Draws precision over recall, as [`draw_roc`] does its curves. Points come in order of rising recall; each precision
/// holds back to the recall of the point before.
///
/// # Source
/// Davis and Goadrich, "The relationship between Precision-Recall and ROC curves" (2006): a slope between two points would
/// be too hopeful, so the curve is a staircase.
///
/// # Errors
/// As [`draw_roc`].
pub fn draw_precision_recall(
    classes: &[RateCurve],
    averages: &[RateCurve],
    sheet: &Sheet,
) -> Result<Picture, PlotError> {
    let stairs = |curves: &[RateCurve]| -> Vec<RateCurve> {
        curves
            .iter()
            .map(|curve| RateCurve { points: staircase(&curve.points), ..curve.clone() })
            .collect()
    };
    draw(&stairs(classes), &stairs(averages), Kind::PrecisionRecall, sheet)
}

/// Which curves these are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Roc,
    PrecisionRecall,
}

impl Kind {
    fn axes(self) -> [Axis; 2] {
        let titles = match self {
            Self::Roc => ["false-positive rate", "true-positive rate"],
            Self::PrecisionRecall => ["recall", "precision"],
        };
        titles.map(|title| Axis::share(title, 5))
    }

    /// What the area under a curve is called.
    fn area_name(self) -> &'static str {
        match self {
            Self::Roc => "AUC",
            Self::PrecisionRecall => "AP",
        }
    }
}

/// As tables and report write shares.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn staircase(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut recall = 0.0;
    let mut stairs = Vec::with_capacity(points.len() * 2);
    for &(next, precision) in points {
        stairs.extend([(recall, precision), (next, precision)]);
        recall = next;
    }
    stairs
}

fn draw(
    classes: &[RateCurve],
    averages: &[RateCurve],
    kind: Kind,
    sheet: &Sheet,
) -> Result<Picture, PlotError> {
    if classes.iter().chain(averages).all(|curve| curve.points.is_empty()) {
        return Err(PlotError::Empty { picture: "the curves", what: "there is no point" });
    }
    let entries = entries(classes, averages, kind);
    let room = legend::column_width(&entries, LEGEND_ROOM);
    let (mut picture, area) = sheet.begin((SIDE + 20 + room as u32, SIDE))?;
    let inner = Area { right: area.right - room - 14.0, ..area };
    let [x, y] = kind.axes();
    let panel = Panel::fit(&picture, inner, x, y)?;
    panel.draw_grid(&mut picture);
    if kind == Kind::Roc {
        let ends = panel.all_at(&[(0.0, 0.0), (1.0, 1.0)]);
        picture.dashed_line(&ends, Stroke { colour: PALE_INK, width: 1.0 }, 5.0);
    }
    for (index, curve) in classes.iter().enumerate() {
        let stroke = match class_colour(classes.len(), index) {
            Some(colour) => Stroke { colour: faded(colour, 0.85), width: 1.3 },
            None => Stroke { colour: faded(colour::BLUE, 0.28), width: 1.0 },
        };
        picture.line(&panel.all_at(&curve.points), stroke);
    }
    for (index, curve) in averages.iter().enumerate() {
        let stroke = Stroke { colour: average_colour(index), width: 3.0 };
        picture.line(&panel.all_at(&curve.points), stroke);
    }
    panel.draw_axes(&mut picture, Numbers::Shown);
    let column = Area {
        left: panel.area.right + 22.0,
        right: area.right,
        top: panel.area.top,
        bottom: area.bottom,
    };
    legend::draw_column(&mut picture, &entries, column);
    Ok(picture)
}

fn class_colour(classes: usize, index: usize) -> Option<RGBAColor> {
    (classes <= NAMED_CLASSES).then(|| colour::line(index))
}

/// Bold lines in colours that no light line has.
fn average_colour(index: usize) -> RGBAColor {
    AVERAGES[index % AVERAGES.len()]
}

fn entries(classes: &[RateCurve], averages: &[RateCurve], kind: Kind) -> Vec<Entry> {
    let named = |curve: &RateCurve| match curve.area {
        Some(area) => format!("{} ({} {})", curve.label, kind.area_name(), percent(area)),
        None => curve.label.clone(),
    };
    let mut entries: Vec<Entry> = averages
        .iter()
        .enumerate()
        .map(|(index, curve)| Entry::new(named(curve), average_colour(index), Swatch::Line(3.0)))
        .collect();
    for (index, curve) in classes.iter().enumerate() {
        if let Some(colour) = class_colour(classes.len(), index) {
            entries.push(Entry::new(named(curve), colour, Swatch::Line(1.3)));
        }
    }
    if classes.len() > NAMED_CLASSES {
        let areas: Vec<f64> = classes.iter().filter_map(|curve| curve.area).collect();
        let each = format!("each of {} classes", classes.len());
        entries.push(Entry::new(each, faded(colour::BLUE, 0.5), Swatch::Line(1.0)));
        let lowest = classes
            .iter()
            .filter(|curve| curve.area.is_some())
            .min_by(|a, b| a.area.unwrap_or(0.0).total_cmp(&b.area.unwrap_or(0.0)));
        if let Some(lowest) = lowest {
            let mean = areas.iter().sum::<f64>() / areas.len() as f64;
            let clear = RGBAColor(255, 255, 255, 0.0);
            let mut say = |text: String| entries.push(Entry::new(text, clear, Swatch::Filled));
            say(format!("mean {} {}", kind.area_name(), percent(mean)));
            say(format!("lowest: {}", named(lowest)));
        }
    }
    if kind == Kind::Roc {
        entries.push(Entry::new("guessing", PALE_INK, Swatch::Dashed(1.0)));
    }
    entries
}
