//! Learning curves: loss and accuracy over the epochs of one or several runs, training beside validation, so that
//! overfitting shows. Fed training logs.

use super::axis::Axis;
use super::colour::{self, INK, PALE_INK, faded};
use super::legend::{self, Entry, Swatch};
use super::panel::{Numbers, Panel};
use super::picture::{Area, Picture, Stroke};
use super::{EpochFigures, PlotError, Sheet, TrainingLog};

const SOLID: f64 = 1.8;
const THIN: f64 = 1.2;
const DASH: f64 = 5.0;
/// How much of its colour the training as it is fitted has.
const FITTED: f64 = 0.35;

/// Reads one figure of an epoch.
type Figure = fn(&EpochFigures) -> Option<f64>;

/// What one panel shows.
struct Measure {
    title: &'static str,
    training: Figure,
    /// Training as validation measures it: drawn instead where a run has it, for augmentation makes the other look worse
    /// than it is and hides overfitting.
    plain: Figure,
    validation: Figure,
    best: Best,
}

/// Which validation figure is the best.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Best {
    Lowest,
    Highest,
}

const LOSS: Measure = Measure {
    title: "loss",
    training: |epoch| epoch.train_loss,
    plain: |epoch| epoch.train_plain_loss,
    validation: |epoch| epoch.validation_loss,
    best: Best::Lowest,
};

/// Of clips where that was measured, of windows elsewhere.
const ACCURACY: Measure = Measure {
    title: "accuracy (%)",
    training: |epoch| epoch.train_accuracy.map(|share| share * 100.0),
    plain: |epoch| epoch.train_plain_accuracy.map(|share| share * 100.0),
    validation: |epoch| {
        let share = epoch.validation_clip_accuracy.or(epoch.validation_window_accuracy);
        share.map(|share| share * 100.0)
    },
    best: Best::Highest,
};

/// Draws the curves of `runs`: loss at the left, accuracy at the right, each run in a colour of its own, validation solid
/// and training dashed; the best epoch of each is marked.
///
/// # Errors
/// [`PlotError::Empty`] without runs or epochs; those of the [`Sheet`].
pub fn draw_curves(runs: &[TrainingLog], sheet: &Sheet) -> Result<Picture, PlotError> {
    let epochs: Vec<f64> =
        runs.iter().flat_map(|run| &run.epochs).map(|epoch| epoch.epoch).collect();
    if epochs.is_empty() {
        return Err(PlotError::Empty { picture: "the learning curves", what: "there is no epoch" });
    }
    let (mut picture, area) = sheet.begin((1100, 470 + 18 * (runs.len() as u32).min(12)))?;
    let area = legend::draw_rows(&mut picture, &entries(runs), area);
    let last = epochs.iter().copied().fold(f64::MIN, f64::max);
    let first = epochs.iter().copied().fold(f64::MAX, f64::min);
    let middle = (area.left + area.right) / 2.0;
    let halves = [
        (LOSS, Area { right: middle - 12.0, ..area }),
        (ACCURACY, Area { left: middle + 12.0, ..area }),
    ];
    for (measure, half) in halves {
        let max = (half.width() / 55.0) as usize;
        let epochs = whole_numbers(Axis::linear("epoch", (first, last), max));
        let panel = Panel::fit(&picture, half, epochs, measure.axis(runs))?;
        panel.draw_grid(&mut picture);
        for (index, run) in runs.iter().enumerate() {
            measure.draw(&mut picture, &panel, run, index);
        }
        panel.draw_axes(&mut picture, Numbers::Shown);
    }
    Ok(picture)
}

/// There is no half epoch.
fn whole_numbers(mut axis: Axis) -> Axis {
    axis.ticks.retain(|tick| (tick.at - tick.at.round()).abs() < 1e-6);
    for tick in &mut axis.ticks {
        tick.text = format!("{:.0}", tick.at);
    }
    axis
}

fn training_name(runs: &[TrainingLog]) -> &'static str {
    let plain = runs.iter().filter(|run| !LOSS.points(run, LOSS.plain).is_empty()).count();
    match plain {
        0 => "training",
        all if all == runs.len() => "training set, not augmented",
        _ => "training, not augmented where that was measured",
    }
}

fn entries(runs: &[TrainingLog]) -> Vec<Entry> {
    let mut entries = vec![
        Entry::new("validation (dot: its best epoch)", INK, Swatch::Line(SOLID)),
        Entry::new(training_name(runs), PALE_INK, Swatch::Dashed(THIN)),
    ];
    if runs.iter().any(|run| !LOSS.fitted_points(run).is_empty()) {
        let fitted = "training as it is fitted: augmented, mixed, with dropout";
        entries.push(Entry::new(fitted, faded(PALE_INK, FITTED), Swatch::Line(THIN)));
    }
    for (index, run) in runs.iter().enumerate() {
        let best = |measure: &Measure| measure.best_of(run);
        let mut text = run.name.clone();
        if let Some((epoch, accuracy)) = best(&ACCURACY) {
            text = format!("{text}: {accuracy:.1} % at epoch {epoch:.0}");
        }
        if LOSS.points(run, LOSS.validation).len() == 1 {
            text = format!("{text}, measured once (train --validate-every 1 measures every epoch)");
        } else if let Some((epoch, loss)) = best(&LOSS) {
            text = format!("{text}, lowest loss {loss:.3} at epoch {epoch:.0}");
        }
        entries.push(Entry::new(text, colour::line(index), Swatch::Filled));
    }
    entries
}

impl Measure {
    fn points(&self, run: &TrainingLog, figure: Figure) -> Vec<(f64, f64)> {
        run.epochs
            .iter()
            .filter_map(|epoch| figure(epoch).map(|value| (epoch.epoch, value)))
            .collect()
    }

    fn training_points(&self, run: &TrainingLog) -> Vec<(f64, f64)> {
        let plain = self.points(run, self.plain);
        if plain.is_empty() { self.points(run, self.training) } else { plain }
    }

    /// Training as it is fitted, where something else is drawn as training; it is there for every epoch.
    fn fitted_points(&self, run: &TrainingLog) -> Vec<(f64, f64)> {
        let has_plain = !self.points(run, self.plain).is_empty();
        if has_plain { self.points(run, self.training) } else { Vec::new() }
    }

    fn axis(&self, runs: &[TrainingLog]) -> Axis {
        if self.best == Best::Highest {
            return Axis::linear(self.title, (0.0, 100.0), 10);
        }
        let values = runs.iter().flat_map(|run| {
            [self.training_points(run), self.points(run, self.validation)].concat()
        });
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), (_, value)| {
            (low.min(value), high.max(value))
        });
        Axis::rounded(self.title, (low, high), 8)
    }

    /// The first epoch with the best validation figure.
    fn best_of(&self, run: &TrainingLog) -> Option<(f64, f64)> {
        self.points(run, self.validation).into_iter().reduce(|best, point| {
            let better = match self.best {
                Best::Lowest => point.1 < best.1,
                Best::Highest => point.1 > best.1,
            };
            if better { point } else { best }
        })
    }

    fn draw(&self, picture: &mut Picture, panel: &Panel, run: &TrainingLog, index: usize) {
        let colour = colour::line(index);
        // augmented, it may lie far above the others, which the axis is for
        let is_shown = |point: &(f64, f64)| (panel.y.from..=panel.y.to).contains(&point.1);
        let fitted = self.fitted_points(run);
        for stretch in fitted.split(|point| !is_shown(point)) {
            let stroke = Stroke { colour: faded(colour, FITTED), width: THIN };
            picture.line(&panel.all_at(stretch), stroke);
        }
        let pale = Stroke { colour: faded(colour, 0.7), width: THIN };
        let training = panel.all_at(&self.training_points(run));
        picture.dashed_line(&training, pale, DASH);
        let validation = panel.all_at(&self.points(run, self.validation));
        picture.line(&validation, Stroke { colour, width: SOLID });
        // a line of one point would not show
        for points in [&training, &validation].into_iter().filter(|points| points.len() == 1) {
            picture.dot(points[0], 3.0, colour);
        }
        if let Some(best) = self.best_of(run) {
            picture.dot(panel.at(best), 5.5, colour::WHITE);
            picture.dot(panel.at(best), 4.5, colour);
        }
    }
}
