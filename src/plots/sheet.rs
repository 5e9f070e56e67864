//! The sheet a picture is drawn on: its measures and its title. Chosen by the caller, begun by every kind of picture.

use super::PlotError;
use super::colour::INK;
use super::picture::{Area, Picture, TextStyle, shortened};

/// Letters of the title.
const TITLE_EM: f64 = 16.0;
/// White around everything.
const MARGIN: f64 = 12.0;

/// Title and measures; what is left out, the picture chooses by what it has to show.
///
/// # Units
/// Pixels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Above the picture; empty for none.
    pub title: String,
    /// Width.
    pub width: Option<u32>,
    /// Height.
    pub height: Option<u32>,
}

impl Sheet {
    /// A sheet with a title, as large as the picture likes.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), width: None, height: None }
    }

    /// An empty picture with its title, and the area left.
    ///
    /// # Errors
    /// [`PlotError::Measures`].
    pub(super) fn begin(&self, liked: (u32, u32)) -> Result<(Picture, Area), PlotError> {
        let width = self.width.unwrap_or(liked.0.min(PlotError::MAX_SIDE));
        let height = self.height.unwrap_or(liked.1.min(PlotError::MAX_SIDE));
        let known = PlotError::MIN_SIDE..=PlotError::MAX_SIDE;
        if !(known.contains(&width) && known.contains(&height)) {
            return Err(PlotError::Measures { width, height });
        }
        let mut picture = Picture::new(width, height, &self.title);
        let mut area = Area {
            left: MARGIN,
            top: MARGIN,
            right: f64::from(width) - MARGIN,
            bottom: f64::from(height) - MARGIN,
        };
        if !self.title.is_empty() {
            let title = shortened(&picture.title, TITLE_EM, area.width());
            let at = (area.left, area.top + TITLE_EM / 2.0);
            picture.text(at, &title, TextStyle::new(TITLE_EM, INK));
            area.top += TITLE_EM * 1.6;
        }
        Ok((picture, area))
    }
}
