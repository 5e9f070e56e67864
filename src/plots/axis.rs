//! Axes: which numbers an axis runs through, where its ticks stand and how they read. Used by every panel.

use super::font::{self, TICK_EM};

/// More numbers than this along one axis are read by nobody.
const MAX_TICKS: usize = 12;
/// The least room between two numbers of a lying axis, in pixels.
const TICK_DISTANCE: f64 = 10.0;

/// One mark of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub at: f64,
    pub text: String,
}

/// From which number to which an axis runs, with its title and its ticks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub title: String,
    pub from: f64,
    pub to: f64,
    pub ticks: Vec<Tick>,
}

impl Axis {
    /// An axis with round ticks, about `max` of them.
    pub fn linear(title: &str, (from, to): (f64, f64), max: usize) -> Self {
        let (from, to) = widened(from, to);
        Self { title: title.to_owned(), from, to, ticks: round_ticks((from, to), max) }
    }

    /// As [`linear`](Self::linear), its ends moved out to round numbers.
    pub fn rounded(title: &str, (from, to): (f64, f64), max: usize) -> Self {
        let (from, to) = widened(from, to);
        let step = round_step(to - from, max);
        let ends = ((from / step + 1e-9).floor() * step, (to / step - 1e-9).ceil() * step);
        Self::linear(title, ends, max)
    }

    /// As [`linear`](Self::linear), lying, with as many ticks as have room for their numbers in `pixels`.
    pub fn fitting(title: &str, ends: (f64, f64), pixels: f64) -> Self {
        let mut max = MAX_TICKS;
        loop {
            let axis = Self::linear(title, ends, max);
            let widest = axis.ticks.iter().map(|tick| font::width(&tick.text, TICK_EM));
            let room = (widest.fold(0.0, f64::max) + TICK_DISTANCE) * axis.ticks.len() as f64;
            if room <= pixels || max == 1 {
                return axis;
            }
            max -= 1;
        }
    }

    /// The axis of shares, 0 to 1.
    pub fn share(title: &str, max: usize) -> Self {
        Self::linear(title, (0.0, 1.0), max)
    }

    /// How far along the axis `value` lies: 0 at its beginning, 1 at its end.
    pub fn along(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }
}

/// An axis needs an extent; a single number gets some room around it.
fn widened(from: f64, to: f64) -> (f64, f64) {
    let (from, to) = if from.is_finite() && to.is_finite() { (from, to) } else { (0.0, 1.0) };
    if to > from {
        return (from, to);
    }
    let room = (from.abs() * 0.05).max(0.5);
    (from - room, from + room)
}

/// 1, 2 or 5 times a power of ten, so that at most `max` steps fit.
fn round_step(extent: f64, max: usize) -> f64 {
    let least = extent / max.max(1) as f64;
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

fn round_ticks((from, to): (f64, f64), max: usize) -> Vec<Tick> {
    let step = round_step(to - from, max);
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let first = (from / step - 1e-9).ceil() as i64;
    let last = (to / step + 1e-9).floor() as i64;
    (first..=last)
        .map(|count| {
            let at = count as f64 * step;
            Tick { at, text: number(at, decimals) }
        })
        .collect()
}

/// A number with a minus sign that is one; never minus zero.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| c == '0' || c == '.') => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        assert_eq!(texts(&Axis::share("", 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&Axis::linear("", (-1.0, 1.0), 4)), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(texts(&Axis::linear("", (0.3, 5.2), 5)), ["1", "2", "3", "4", "5"]);
        let rounded = Axis::rounded("", (0.31, 3.9), 5);
        assert_eq!((rounded.from, rounded.to), (0.0, 4.0));
        let round_already = Axis::rounded("", (0.0, 10.0), 5);
        assert_eq!((round_already.from, round_already.to), (0.0, 10.0));
    }

    #[test]
    fn numbers_have_room_along_a_narrow_axis() {
        let axis = Axis::fitting("", (0.0, 0.019), 240.0);
        let widest =
            axis.ticks.iter().map(|tick| font::width(&tick.text, TICK_EM)).fold(0.0, f64::max);
        assert!(axis.ticks.len() > 2 && widest * axis.ticks.len() as f64 <= 240.0, "{axis:?}");
    }

    #[test]
    fn a_single_number_and_no_number_still_make_an_axis() {
        for (from, to) in [(2.0, 2.0), (f64::NAN, 1.0), (0.0, 0.0), (1.0, f64::INFINITY)] {
            let axis = Axis::linear("", (from, to), 5);
            assert!(axis.from < axis.to && !axis.ticks.is_empty(), "{from} {to} {axis:?}");
        }
    }
}
