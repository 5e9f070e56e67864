//! Renders a picture as SVG text or as PNG bytes. Both go through one function over the drawing library's backends; no
//! font or display of the system is needed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color as _, FontDesc, FontFamily, FontStyle, FontTransform, ShapeStyle, TextStyle,
};

use super::PlotError;
use super::font;
use super::picture::{Anchor, Area, Picture, Raster, Shape, Stroke, Text, TextDirection};

/// Steps a pixel in an SVG: the library knows whole numbers only, and lines should not be stairs.
const SVG_STEPS: u32 = 4;

/// A PNG is drawn this many times larger each way, then averaged: smooth edges.
const OVERSAMPLING: u32 = 3;

/// Where the middle of capitals lies above the baseline, in em.
const HALF_CAPITAL: f64 = 0.35;

/// A backend and what differs between the two.
struct Canvas<B> {
    backend: B,
    /// Its steps a pixel.
    steps: f64,
    family: &'static str,
    /// The library's font size for an em of one step.
    size_per_em: f64,
    /// Where the library puts the baseline below a text's upper edge, in em.
    baseline: f64,
}

impl Picture {
    /// The picture as an SVG document.
    ///
    /// # Errors
    /// [`PlotError::Drawing`] or [`PlotError::Encoding`] (of a spectrogram's colours), none in practice.
    pub fn svg(&self) -> Result<String, PlotError> {
        let mut text = String::new();
        {
            let measures = (self.width * SVG_STEPS, self.height * SVG_STEPS);
            let mut canvas = Canvas {
                backend: SVGBackend::with_string(&mut text, measures),
                steps: f64::from(SVG_STEPS),
                family: font::SVG_FAMILY,
                // the backend divides by this
                size_per_em: 1.24,
                baseline: 0.76,
            };
            self.render(&mut canvas)?;
        }
        // the first line is the library's own opening tag
        let shapes = text.split_once('\n').map_or("", |(_, shapes)| shapes);
        let mut document = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
             width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\">\n<title>{}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n",
            self.width,
            self.height,
            self.width * SVG_STEPS,
            self.height * SVG_STEPS,
            escaped(&self.title),
        );
        for raster in &self.rasters {
            document.push_str(&image_tag(raster)?);
        }
        document.push_str(shapes);
        Ok(document)
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// [`PlotError::Drawing`] or [`PlotError::Encoding`], none in practice.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        font::register();
        let (width, height) = (self.width * OVERSAMPLING, self.height * OVERSAMPLING);
        let mut pixels = vec![255u8; width as usize * height as usize * 3];
        for raster in &self.rasters {
            paint(raster, &mut pixels, (width as usize, height as usize));
        }
        {
            let mut canvas = Canvas {
                backend: BitMapBackend::with_buffer(&mut pixels, (width, height)),
                steps: f64::from(OVERSAMPLING),
                family: font::FAMILY,
                size_per_em: font::HEIGHT_PER_EM,
                baseline: font::HEIGHT_PER_EM / 2.0,
            };
            self.render(&mut canvas)?;
        }
        let averaged = averaged(&pixels, self.width as usize, self.height as usize);
        encoded(&averaged, self.width, self.height)
    }

    fn render<B: DrawingBackend>(&self, canvas: &mut Canvas<B>) -> Result<(), PlotError> {
        let failed = |error: String| PlotError::Drawing(error);
        canvas.backend.ensure_prepared().map_err(|error| failed(error.to_string()))?;
        for shape in &self.shapes {
            canvas.draw(shape).map_err(failed)?;
        }
        canvas.backend.present().map_err(|error| failed(error.to_string()))
    }
}

impl<B: DrawingBackend> Canvas<B> {
    fn draw(&mut self, shape: &Shape) -> Result<(), String> {
        let drawn = match shape {
            Shape::Line { points, stroke } => {
                let style = self.stroked(stroke);
                self.backend.draw_path(self.all_at(points), &style)
            }
            Shape::Filled { area, colour } => {
                let (from, to) =
                    (self.at((area.left, area.top)), self.at((area.right, area.bottom)));
                self.backend.draw_rect(from, to, &colour.filled(), true)
            }
            Shape::Outlined { area, stroke } => {
                let half = stroke.width / 2.0;
                let around = |x: f64, y: f64| (x - half, x + half, y - half, y + half);
                let (left, _, top, _) = around(area.left, area.top);
                let (_, right, _, bottom) = around(area.right, area.bottom);
                let sides = [
                    Area { left, top, right, bottom: top + stroke.width },
                    Area { left, top: bottom - stroke.width, right, bottom },
                    Area { left, top, right: left + stroke.width, bottom },
                    Area { left: right - stroke.width, top, right, bottom },
                ];
                let fill = |side| Shape::Filled { area: side, colour: stroke.colour };
                return sides.into_iter().try_for_each(|side| self.draw(&fill(side)));
            }
            Shape::Dot { centre, radius, colour } => {
                let radius = (radius * self.steps).round() as u32;
                self.backend.draw_circle(self.at(*centre), radius, &colour.filled(), true)
            }
            Shape::Text(text) => return self.draw_text(text),
        };
        drawn.map_err(|error| error.to_string())
    }

    fn draw_text(&mut self, text: &Text) -> Result<(), String> {
        let em = text.style.em * self.steps;
        let raised = em * (self.baseline - HALF_CAPITAL);
        let (x, y) = (text.at.0 * self.steps, text.at.1 * self.steps);
        let (at, transform) = match text.style.direction {
            TextDirection::Across => ((x, y - raised), FontTransform::None),
            TextDirection::Upwards => ((x - raised, y), FontTransform::Rotate270),
        };
        let family = FontFamily::from(self.family);
        let font = FontDesc::new(family, em * self.size_per_em, FontStyle::Normal);
        let along = match text.style.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style = TextStyle::from(font.transform(transform))
            .color(&text.style.colour)
            .pos(Pos::new(along, VPos::Top));
        let at = (at.0.round() as i32, at.1.round() as i32);
        self.backend.draw_text(&text.text, &style, at).map_err(|error| error.to_string())
    }

    fn stroked(&self, stroke: &Stroke) -> ShapeStyle {
        stroke.colour.stroke_width((stroke.width * self.steps).round().max(1.0) as u32)
    }

    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.steps).round() as i32, (y * self.steps).round() as i32)
    }

    fn all_at(&self, points: &[(f64, f64)]) -> Vec<(i32, i32)> {
        let mut points: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        // a point on its neighbour has no direction, which the library's joints need
        points.dedup();
        if points.len() == 1 {
            points.push((points[0].0 + 1, points[0].1));
        }
        points
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Colours as an image that has about the picture's own pixels: a viewer that smooths what it stretches blurs no cell.
fn image_tag(raster: &Raster) -> Result<String, PlotError> {
    let area = raster.area;
    let repeat = |pixels: f64, cells: usize| (pixels / cells as f64).ceil().max(1.0) as usize;
    let across = repeat(area.width(), raster.columns);
    let down = repeat(area.height(), raster.rows);
    let mut colours = Vec::with_capacity(raster.colours.len() * across * down * 3);
    for row in raster.colours.chunks(raster.columns) {
        let row: Vec<u8> = row
            .iter()
            .flat_map(|colour| std::iter::repeat_n(colour, across))
            .flatten()
            .copied()
            .collect();
        for _ in 0..down {
            colours.extend_from_slice(&row);
        }
    }
    let bytes = encoded(&colours, (raster.columns * across) as u32, (raster.rows * down) as u32)?;
    let steps = f64::from(SVG_STEPS);
    Ok(format!(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
         style=\"image-rendering:pixelated\" xlink:href=\"data:image/png;base64,{}\"/>\n",
        area.left * steps,
        area.top * steps,
        area.width() * steps,
        area.height() * steps,
        BASE64.encode(bytes)
    ))
}

/// Each pixel takes the colour of the cell that its middle lies in.
fn paint(raster: &Raster, pixels: &mut [u8], (width, height): (usize, usize)) {
    let steps = f64::from(OVERSAMPLING);
    let area = raster.area;
    let bounds = |from: f64, to: f64, max: usize| {
        let pixel = |at: f64| ((at * steps).round().max(0.0) as usize).min(max);
        pixel(from)..pixel(to)
    };
    let cell = |pixel: usize, from: f64, extent: f64, cells: usize| {
        let share = ((pixel as f64 + 0.5) / steps - from) / extent;
        ((share * cells as f64).max(0.0) as usize).min(cells - 1)
    };
    for y in bounds(area.top, area.bottom, height) {
        let row = cell(y, area.top, area.height(), raster.rows);
        for x in bounds(area.left, area.right, width) {
            let column = cell(x, area.left, area.width(), raster.columns);
            let at = (y * width + x) * 3;
            pixels[at..at + 3].copy_from_slice(&raster.colours[row * raster.columns + column]);
        }
    }
}

/// The mean of each square of oversampled pixels.
fn averaged(pixels: &[u8], width: usize, height: usize) -> Vec<u8> {
    let factor = OVERSAMPLING as usize;
    let mut averaged = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0usize;
                for row in y * factor..(y + 1) * factor {
                    for column in x * factor..(x + 1) * factor {
                        sum += usize::from(pixels[(row * width * factor + column) * 3 + channel]);
                    }
                }
                averaged.push((sum / (factor * factor)) as u8);
            }
        }
    }
    averaged
}

fn encoded(colours: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PlotError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    // rows of drawings repeat each other
    encoder.set_filter(png::FilterType::Up);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(colours)?;
    writer.finish()?;
    Ok(bytes)
}
