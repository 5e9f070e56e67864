//! The typeface that bitmaps are lettered with, compiled in, and how wide it runs. Used by the layout of every picture
//! and by the bitmap renderer.

use std::sync::OnceLock;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// Letters of ticks.
pub(super) const TICK_EM: f64 = 11.0;
/// Letters of axes' titles and legends.
pub(super) const LABEL_EM: f64 = 12.0;

/// The name it is registered under.
pub(super) const FAMILY: &str = "sans-serif";

/// What an SVG asks its viewer for: common faces that run as wide as ours, and at last whatever has no serifs.
pub(super) const SVG_FAMILY: &str = "Arial, Helvetica, sans-serif";

/// The registered face's height over its em: the library scales by the former, an SVG by the latter.
/// Ubuntu Light: ascender 932, descender −189 of 1000 units.
pub(super) const HEIGHT_PER_EM: f64 = 1.121;

/// A viewer's own face may run wider: DejaVu Sans is a fifth wider than ours, its digits more.
const WIDEST_FACE: f64 = 1.2;

/// Measured at this many pixels an em, so that the library's whole pixels do not count.
const MEASURED_EM: f64 = 100.0;

/// Makes the face known to the drawing library, once.
pub(super) fn register() {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let face = epaint_default_fonts::UBUNTU_LIGHT;
        // the bytes are the program's own; a test draws with them
        let _parsed = register_font(FAMILY, FontStyle::Normal, face);
    });
}

/// The room that `text` takes in a line, whatever face it is shown in.
///
/// # Units
/// Pixels, as `em`.
pub(super) fn width(text: &str, em: f64) -> f64 {
    register();
    let font = FontDesc::new(FontFamily::SansSerif, MEASURED_EM * HEIGHT_PER_EM, FontStyle::Normal);
    let measured = font.box_size(text).map_or(0, |(width, _)| width);
    f64::from(measured) / MEASURED_EM * em * WIDEST_FACE
}
