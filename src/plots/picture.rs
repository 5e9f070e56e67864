//! What a picture consists of, in pixels. Filled by the functions that lay out one kind of picture each; rendered
//! as SVG or as PNG, so that both show the same.

use plotters::style::RGBAColor;

use super::font;

/// A drawing, to be had as SVG text and as PNG bytes.
#[derive(Debug, Clone)]
pub struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) title: String,
    /// Below all shapes.
    pub(super) rasters: Vec<Raster>,
    pub(super) shapes: Vec<Shape>,
}

/// An upright rectangle, in pixels from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// A grid of colours stretched over an area.
///
/// # Shapes
/// `colours`: `[rows, columns]`, the uppermost row first.
#[derive(Debug, Clone)]
pub(super) struct Raster {
    pub area: Area,
    pub columns: usize,
    pub rows: usize,
    pub colours: Vec<[u8; 3]>,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    pub colour: RGBAColor,
    pub width: f64,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Line { points: Vec<(f64, f64)>, stroke: Stroke },
    Filled { area: Area, colour: RGBAColor },
    Outlined { area: Area, stroke: Stroke },
    Dot { centre: (f64, f64), radius: f64, colour: RGBAColor },
    Text(Text),
}

/// Where a text stands to its point, along its line; across it, the middle of capitals lies on the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Which way a text reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextDirection {
    Across,
    Upwards,
}

/// A text's size, colour, anchor and direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TextStyle {
    pub em: f64,
    pub colour: RGBAColor,
    pub anchor: Anchor,
    pub direction: TextDirection,
}

#[derive(Debug, Clone)]
pub(super) struct Text {
    pub at: (f64, f64),
    pub text: String,
    pub style: TextStyle,
}

impl TextStyle {
    /// Across, from its point on.
    pub fn new(em: f64, colour: RGBAColor) -> Self {
        Self { em, colour, anchor: Anchor::Start, direction: TextDirection::Across }
    }

    pub fn middle(self) -> Self {
        Self { anchor: Anchor::Middle, ..self }
    }

    pub fn end(self) -> Self {
        Self { anchor: Anchor::End, ..self }
    }

    pub fn upwards(self) -> Self {
        Self { direction: TextDirection::Upwards, ..self }
    }
}

impl Picture {
    pub(super) fn new(width: u32, height: u32, title: &str) -> Self {
        let title = visible(title);
        Self { width, height, title, rasters: Vec::new(), shapes: Vec::new() }
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// A line through all points that are numbers; a gap where they are not.
    pub(super) fn line(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        for part in points.split(|(x, y)| !(x.is_finite() && y.is_finite())) {
            if part.len() > 1 {
                self.shapes.push(Shape::Line { points: part.to_vec(), stroke });
            }
        }
    }

    /// As [`line`](Self::line), in dashes of `dash` pixels with gaps of half as much.
    pub(super) fn dashed_line(&mut self, points: &[(f64, f64)], stroke: Stroke, dash: f64) {
        for part in points.split(|(x, y)| !(x.is_finite() && y.is_finite())) {
            for points in dashes(part, dash) {
                self.shapes.push(Shape::Line { points, stroke });
            }
        }
    }

    pub(super) fn fill(&mut self, area: Area, colour: RGBAColor) {
        self.shapes.push(Shape::Filled { area, colour });
    }

    pub(super) fn outline(&mut self, area: Area, stroke: Stroke) {
        self.shapes.push(Shape::Outlined { area, stroke });
    }

    pub(super) fn dot(&mut self, centre: (f64, f64), radius: f64, colour: RGBAColor) {
        if centre.0.is_finite() && centre.1.is_finite() {
            self.shapes.push(Shape::Dot { centre, radius, colour });
        }
    }

    pub(super) fn text(&mut self, at: (f64, f64), text: &str, style: TextStyle) {
        self.shapes.push(Shape::Text(Text { at, text: visible(text), style }));
    }
}

/// Without control characters, which XML cannot hold.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `text`, cut short with an ellipsis where it would take more than `room` pixels.
pub(super) fn shortened(text: &str, em: f64, room: f64) -> String {
    if font::width(text, em) <= room {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while kept.pop().is_some() {
        let short = format!("{}…", kept.trim_end());
        if font::width(&short, em) <= room {
            return short;
        }
    }
    String::new()
}

/// Cuts a line into dashes, counted along the whole line, so that the pattern goes round corners.
fn dashes(points: &[(f64, f64)], dash: f64) -> Vec<Vec<(f64, f64)>> {
    let period = dash * 1.5;
    let mut dashes = Vec::new();
    let mut current: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    let mut along = 0.0;
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut walked = 0.0;
        while walked < length {
            let phase = along % period;
            let drawing = phase < dash;
            let step = if drawing { dash - phase } else { period - phase };
            // never stand still where rounding leaves no step
            let step = step.max(1e-6).min(length - walked);
            (walked, along) = (walked + step, along + step);
            let share = walked / length;
            let here = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            if drawing {
                current.push(here);
            }
            if (along % period) >= dash || !drawing {
                if current.len() > 1 {
                    dashes.push(std::mem::take(&mut current));
                }
                current = vec![here];
            }
        }
    }
    if current.len() > 1 {
        dashes.push(current);
    }
    dashes
}
