//! Every kind of picture, as SVG and as PNG: that it is a picture at all, and that it shows what it was given.

mod classes;
mod runs;
mod sound;

use std::collections::HashSet;

use tympan::plots::Picture;

/// Steps a pixel in an SVG.
const SVG_STEPS: f64 = 4.0;

/// A picture's SVG, checked to be one: every element closed in order, nothing that XML forbids.
#[track_caller]
pub fn svg_of(picture: &Picture) -> String {
    let svg = picture.svg().unwrap();
    assert_well_formed(&svg);
    let measures = format!("width=\"{}\" height=\"{}\"", picture.width(), picture.height());
    assert!(svg.starts_with("<svg ") && svg.contains(&measures), "{}", &svg[..200]);
    svg
}

#[track_caller]
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>'), "a stray > in {text:?}");
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest:?}");
}

/// The colours of a picture's PNG, row by row, checked to be as large as it says and not blank.
#[track_caller]
pub fn pixels_of(picture: &Picture) -> Pixels {
    let png = picture.png().unwrap();
    let pixels = Pixels::decode(&png);
    assert_eq!((pixels.width, pixels.height), (picture.width(), picture.height()));
    assert_eq!(pixels.at(1, 1), [255; 3], "the paper is white");
    assert!(pixels.colours() > 20, "{} colours", pixels.colours());
    pixels
}

/// A decoded PNG.
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    bytes: Vec<u8>,
}

impl Pixels {
    pub fn decode(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(png).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size()];
        let frame = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(frame.color_type, png::ColorType::Rgb);
        Self { width: frame.width, height: frame.height, bytes }
    }

    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y * self.width + x) as usize * 3;
        [self.bytes[at], self.bytes[at + 1], self.bytes[at + 2]]
    }

    pub fn colours(&self) -> usize {
        self.bytes.chunks(3).collect::<HashSet<_>>().len()
    }

    /// How many pixels are all but black in a rectangle: text, mostly.
    pub fn dark_pixels(&self, (left, top): (u32, u32), (right, bottom): (u32, u32)) -> usize {
        (top..bottom)
            .flat_map(|y| (left..right).map(move |x| (x, y)))
            .filter(|&(x, y)| self.at(x, y).iter().all(|&channel| channel < 110))
            .count()
    }
}

/// Where a text of the SVG stands first, in pixels of the PNG.
pub fn place_of(svg: &str, text: &str) -> Option<(f64, f64)> {
    place_at(svg, svg.find(&format!(">\n{text}\n</text>"))?)
}

/// Where it stands last.
pub fn last_place_of(svg: &str, text: &str) -> Option<(f64, f64)> {
    place_at(svg, svg.rfind(&format!(">\n{text}\n</text>"))?)
}

fn place_at(svg: &str, at: usize) -> Option<(f64, f64)> {
    let tag = &svg[svg[..at].rfind('<')?..at];
    let value = |key: &str| -> Option<f64> {
        let begin = tag.find(&format!(" {key}=\""))? + key.len() + 3;
        tag[begin..].split('"').next()?.parse().ok()
    };
    Some((value("x")? / SVG_STEPS, value("y")? / SVG_STEPS))
}

/// Asserts that all texts are in the SVG, each as a text of its own.
#[track_caller]
pub fn shows(svg: &str, texts: &[&str]) {
    for text in texts {
        assert!(place_of(svg, text).is_some(), "{text:?} is not in the picture");
    }
}
