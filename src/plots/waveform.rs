//! Waveforms: amplitude over time, alone or with the envelope that trimming goes by. Fed samples and levels as plain
//! numbers; also drawn atop spectrogram and labels.

use std::ops::Range;

use super::axis::{Axis, number};
use super::colour::{BLUE, INK, ORANGE, PALE_INK, SHADE};
use super::legend::{self, Entry, Swatch};
use super::panel::{Numbers, Panel, bottom_margin, left_margin};
use super::picture::{Area, Picture, Stroke};
use super::{PlotError, Sheet};
use crate::domain::SampleRate;

/// Below this a level is drawn at the lower edge.
const MIN_DBFS: f64 = -100.0;

/// About what the axes take at the left and the right.
pub(super) const AXIS_ROOM: f64 = 70.0;

/// Samples and their rate.
///
/// # Shapes
/// `samples`: `[samples]`.
///
/// # Units
/// Full scale is ±1.
#[derive(Debug, Clone, Copy)]
pub struct Signal<'a> {
    /// One channel.
    pub samples: &'a [f32],
    /// Samples a second.
    pub sample_rate: SampleRate,
}

/// What trimming by an amplitude envelope goes by, and what it would do.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The envelope, full scale being 1: a value every `step_samples`, each standing at the middle of its step.
    pub amplitudes: &'a [f32],
    /// Samples from one value to the next; 1 for an envelope of a value a sample.
    pub step_samples: usize,
    /// What lies below is removed, in dB of full scale.
    pub threshold_dbfs: f32,
    /// What would be removed, in samples.
    pub removed: &'a [Range<usize>],
}

impl Envelope<'_> {
    /// The level of an amplitude in dB of full scale.
    fn level(amplitude: f32) -> f64 {
        (20.0 * f64::from(amplitude).log10()).max(MIN_DBFS)
    }
}

impl Signal<'_> {
    /// How long it lasts.
    ///
    /// # Units
    /// Seconds.
    pub fn seconds(&self) -> f64 {
        self.seconds_at(self.samples.len())
    }

    fn seconds_at(&self, sample: usize) -> f64 {
        sample as f64 / f64::from(self.sample_rate.hz())
    }

    pub(super) fn check(&self, picture: &'static str) -> Result<(), PlotError> {
        match self.samples.is_empty() {
            true => Err(PlotError::Empty { picture, what: "the clip has no samples" }),
            false => Ok(()),
        }
    }
}

/// The axis of a clip's time, over about as many pixels.
pub(super) fn time_axis(seconds: f64, pixels: f64) -> Axis {
    Axis::fitting("time (s)", (0.0, seconds), pixels)
}

/// The axis of amplitude.
pub(super) fn amplitude_axis() -> Axis {
    Axis::linear("amplitude", (-1.0, 1.0), 4)
}

/// Draws a waveform.
///
/// # Errors
/// [`PlotError::Empty`] without samples; those of the [`Sheet`].
pub fn draw_waveform(signal: Signal<'_>, sheet: &Sheet) -> Result<Picture, PlotError> {
    signal.check("the waveform")?;
    let (mut picture, area) = sheet.begin((1000, 320))?;
    let panel = Panel::fit(
        &picture,
        area,
        time_axis(signal.seconds(), area.width() - AXIS_ROOM),
        amplitude_axis(),
    )?;
    panel.draw_grid(&mut picture);
    draw_signal(&mut picture, &panel, signal);
    panel.draw_axes(&mut picture, Numbers::Shown);
    Ok(picture)
}

/// Draws a waveform with its envelope, and below it the envelope's level with the threshold; what would be removed is
/// shaded in both.
///
/// # Errors
/// [`PlotError::Empty`] without samples or levels; those of the [`Sheet`].
pub fn draw_envelope(
    signal: Signal<'_>,
    envelope: &Envelope<'_>,
    sheet: &Sheet,
) -> Result<Picture, PlotError> {
    const PICTURE: &str = "the envelope";
    signal.check(PICTURE)?;
    if envelope.amplitudes.is_empty() || envelope.step_samples == 0 {
        return Err(PlotError::Empty { picture: PICTURE, what: "the envelope has no value" });
    }
    let (mut picture, area) = sheet.begin((1000, 560))?;
    let entries = [
        Entry::new("envelope", INK, Swatch::Line(1.5)),
        Entry::new(
            format!("threshold {} dBFS", number(envelope.threshold_dbfs.into(), 1)),
            ORANGE,
            Swatch::Dashed(1.5),
        ),
        Entry::new(removal(signal, envelope), SHADE, Swatch::Filled),
    ];
    let area = legend::draw_rows(&mut picture, &entries, area);
    let (upper, lower) = panels(&picture, area, signal, envelope)?;
    for panel in [&upper, &lower] {
        panel.draw_grid(&mut picture);
        for removed in envelope.removed {
            let (from, to) = (signal.seconds_at(removed.start), signal.seconds_at(removed.end));
            picture.fill(panel.stripe(from, to), SHADE);
        }
    }
    draw_signal(&mut picture, &upper, signal);
    draw_levels(&mut picture, &upper, &lower, signal, envelope);
    upper.draw_axes(&mut picture, Numbers::Below);
    lower.draw_axes(&mut picture, Numbers::Shown);
    Ok(picture)
}

/// How much would go, in words.
fn removal(signal: Signal<'_>, envelope: &Envelope<'_>) -> String {
    let samples: usize = envelope.removed.iter().map(|range| range.len()).sum();
    format!("removed by trimming: {:.2} of {:.2} s", signal.seconds_at(samples), signal.seconds())
}

fn panels(
    picture: &Picture,
    area: Area,
    signal: Signal<'_>,
    envelope: &Envelope<'_>,
) -> Result<(Panel, Panel), PlotError> {
    let threshold = f64::from(envelope.threshold_dbfs);
    let levels = envelope.amplitudes.iter().map(|&amplitude| Envelope::level(amplitude));
    let (low, high) =
        levels.fold((threshold, threshold), |(low, high), level| (low.min(level), high.max(level)));
    let levels = Axis::linear("level (dBFS)", (low - 3.0, high + 3.0), 6);
    let (time, amplitude) =
        (time_axis(signal.seconds(), area.width() - AXIS_ROOM), amplitude_axis());
    let left = area.left + left_margin(&levels).max(left_margin(&amplitude));
    let bottom = area.bottom - bottom_margin(&time);
    let (top, right) = (area.top + 6.0, area.right - 12.0);
    let middle = (top + bottom) / 2.0;
    let above = Area { left, top, right, bottom: middle - 8.0 };
    let below = Area { left, top: middle + 8.0, right, bottom };
    let upper = Panel::within(picture, above, time.clone(), amplitude)?;
    Ok((upper, Panel::within(picture, below, time, levels)?))
}

fn draw_levels(
    picture: &mut Picture,
    upper: &Panel,
    lower: &Panel,
    signal: Signal<'_>,
    envelope: &Envelope<'_>,
) {
    let middle = |step: usize| {
        let sample = (step as f64 + 0.5) * envelope.step_samples as f64;
        (sample / f64::from(signal.sample_rate.hz())).min(signal.seconds())
    };
    let stroke = Stroke { colour: INK, width: 1.5 };
    let kept = thinned(envelope.amplitudes, upper.area.width());
    let points = |y: fn(f32) -> f64| -> Vec<(f64, f64)> {
        kept.iter().map(|&(step, amplitude)| (middle(step), y(amplitude))).collect()
    };
    picture.line(&upper.all_at(&points(f64::from)), stroke);
    picture.line(&lower.all_at(&points(Envelope::level)), stroke);
    let threshold = f64::from(envelope.threshold_dbfs);
    for (panel, y) in [(upper, 10f64.powf(threshold / 20.0)), (lower, threshold)] {
        let ends = [(panel.x.from, y), (panel.x.to, y)];
        picture.dashed_line(&panel.all_at(&ends), Stroke { colour: ORANGE, width: 1.5 }, 6.0);
    }
}

/// The highest and the lowest of what falls on each half pixel, in their order.
fn thinned(values: &[f32], pixels: f64) -> Vec<(usize, f32)> {
    let per_group = (values.len() as f64 / (pixels * 2.0)).ceil().max(1.0) as usize;
    let mut kept = Vec::new();
    for (group, part) in values.chunks(per_group).enumerate() {
        let by_value = |a: &(usize, f32), b: &(usize, f32)| a.1.total_cmp(&b.1);
        let indexed = || part.iter().copied().enumerate();
        let (Some(low), Some(high)) = (indexed().min_by(by_value), indexed().max_by(by_value))
        else {
            continue;
        };
        let first = group * per_group;
        let mut ends = [low, high];
        ends.sort_by_key(|end| end.0);
        kept.extend(ends.map(|(step, value)| (first + step, value)));
        if low.0 == high.0 {
            kept.pop();
        }
    }
    kept
}

/// Draws samples into a panel of seconds and amplitude: as a line where there is room for each, else from the lowest to
/// the highest of what falls on each pixel, so that no click is lost.
pub(super) fn draw_signal(picture: &mut Picture, panel: &Panel, signal: Signal<'_>) {
    let samples = signal.samples;
    // a panel's edges lie on whole pixels
    let columns = panel.area.width() as usize;
    // what is no number is silence, as in the front end
    let value = |sample: f32| if sample.is_finite() { f64::from(sample) } else { 0.0 };
    if samples.len() <= columns * 2 {
        let points: Vec<(f64, f64)> = samples
            .iter()
            .enumerate()
            .map(|(at, &sample)| panel.at((signal.seconds_at(at), value(sample))))
            .collect();
        picture.line(&points, Stroke { colour: BLUE, width: 1.2 });
        return;
    }
    let mut bar: Option<Area> = None;
    for column in 0..columns {
        let first = column * samples.len() / columns;
        // one sample into the next column, so that neighbours touch
        let end = ((column + 1) * samples.len() / columns + 1).min(samples.len());
        let values = samples[first..end].iter().map(|&sample| value(sample));
        let (low, high) = values
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let left = panel.area.left + column as f64;
        // silence is a line, not nothing
        let (top, bottom) = (panel.at((0.0, high)).1 - 0.5, panel.at((0.0, low)).1 + 0.5);
        match &mut bar {
            // columns as tall as each other are one bar: most of a clip is often silence
            Some(bar) if (bar.top, bar.bottom) == (top, bottom) => bar.right = left + 1.0,
            _ => {
                let next = Area { left, top, right: left + 1.0, bottom };
                bar.replace(next).into_iter().for_each(|bar| picture.fill(bar, BLUE));
            }
        }
    }
    bar.into_iter().for_each(|bar| picture.fill(bar, BLUE));
    let zero = [(panel.x.from, 0.0), (panel.x.to, 0.0)];
    let pale = super::colour::faded(PALE_INK, 0.5);
    picture.line(&panel.all_at(&zero), Stroke { colour: pale, width: 0.7 });
}
