//! The colours of every picture: ink and grid, lines that colour-blind readers distinguish, maps from numbers to colour.

use plotters::style::colors::colormaps::{ColorMap as _, DerivedColorMap};
use plotters::style::{RGBAColor, RGBColor};

/// Text and axes.
pub(super) const INK: RGBAColor = RGBAColor(0x22, 0x22, 0x22, 1.0);
/// Second-rate text.
pub(super) const PALE_INK: RGBAColor = RGBAColor(0x66, 0x66, 0x66, 1.0);
/// Grid lines.
pub(super) const GRID: RGBAColor = RGBAColor(0xe2, 0xe2, 0xe2, 1.0);
/// What lies outside the data, and what would be removed.
pub(super) const SHADE: RGBAColor = RGBAColor(0x80, 0x80, 0x80, 0.28);
/// Paper.
pub(super) const WHITE: RGBAColor = RGBAColor(0xff, 0xff, 0xff, 1.0);
/// Averages among lines of classes: no line has these.
pub(super) const AVERAGES: [RGBAColor; 2] = [INK, RGBAColor(0xa0, 0x00, 0x20, 1.0)];
/// The first line's blue, also of waveforms and bars.
pub(super) const BLUE: RGBAColor = LINES[0];
/// What stands out against blue: thresholds, events, the best epoch.
pub(super) const ORANGE: RGBAColor = LINES[1];

/// Colours of lines, in order.
///
/// # Source
/// Okabe and Ito, "Color Universal Design" (2008), without their yellow, too pale for a line on white; then the
/// "muted" scheme of Paul Tol's technical note SRON/EPS/TN/09-002, without what repeats.
pub(super) const LINES: [RGBAColor; 12] = [
    RGBAColor(0x00, 0x72, 0xb2, 1.0),
    RGBAColor(0xd5, 0x5e, 0x00, 1.0),
    RGBAColor(0x00, 0x9e, 0x73, 1.0),
    RGBAColor(0xcc, 0x79, 0xa7, 1.0),
    RGBAColor(0x56, 0xb4, 0xe9, 1.0),
    RGBAColor(0xe6, 0x9f, 0x00, 1.0),
    RGBAColor(0x33, 0x22, 0x88, 1.0),
    RGBAColor(0x88, 0x22, 0x55, 1.0),
    RGBAColor(0x99, 0x99, 0x33, 1.0),
    RGBAColor(0x66, 0x66, 0x66, 1.0),
    RGBAColor(0x44, 0xaa, 0x99, 1.0),
    RGBAColor(0x11, 0x77, 0x33, 1.0),
];

/// The colour of line `index`; they come again after the last.
pub(super) fn line(index: usize) -> RGBAColor {
    LINES[index % LINES.len()]
}

/// `colour`, let through by as much.
pub(super) fn faded(colour: RGBAColor, alpha: f64) -> RGBAColor {
    RGBAColor(colour.0, colour.1, colour.2, alpha)
}

/// From a number between 0 and 1 to a colour, evenly to the eye.
pub(super) struct ColourMap(DerivedColorMap<RGBColor>);

impl ColourMap {
    /// Black over purple and red to pale yellow, for spectrograms.
    ///
    /// # Source
    /// Magma of matplotlib (Smith and van der Walt, 2015) at nine even steps.
    pub(super) fn magma() -> Self {
        Self::new(&[
            0x000004, 0x1d1147, 0x51127c, 0x822681, 0xb63679, 0xe65164, 0xfb8861, 0xfec287,
            0xfcfdbf,
        ])
    }

    /// White to dark blue, for shares and scores: nothing is white.
    ///
    /// # Source
    /// "Blues" of ColorBrewer (Brewer and Harrower, 2002), nine classes, the lightest made white.
    pub(super) fn blues() -> Self {
        Self::new(&[
            0xffffff, 0xdeebf7, 0xc6dbef, 0x9ecae1, 0x6baed6, 0x4292c6, 0x2171b5, 0x08519c,
            0x08306b,
        ])
    }

    fn new(steps: &[u32]) -> Self {
        let colours: Vec<RGBColor> = steps
            .iter()
            .map(|step| {
                let [_, red, green, blue] = step.to_be_bytes();
                RGBColor(red, green, blue)
            })
            .collect();
        Self(DerivedColorMap::new(&colours))
    }

    /// The colour of `share`; what is no number counts as 0.
    pub(super) fn at(&self, share: f64) -> RGBAColor {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let RGBColor(red, green, blue) = self.0.get_color(share);
        RGBAColor(red, green, blue, 1.0)
    }
}

/// Black or white, whichever is read more easily on `ground`.
///
/// # Source
/// Luma of ITU-R BT.601.
pub(super) fn ink_on(ground: RGBAColor) -> RGBAColor {
    let luma =
        0.299 * f64::from(ground.0) + 0.587 * f64::from(ground.1) + 0.114 * f64::from(ground.2);
    if luma < 140.0 { WHITE } else { INK }
}
