//! Why a picture cannot be drawn. Returned by every function of the folder; printed by the commands.

use std::path::PathBuf;

/// A picture that cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is nothing to draw.
    #[error("{picture} has nothing to show: {what}")]
    Empty {
        /// Which picture.
        picture: &'static str,
        /// What is missing.
        what: &'static str,
    },
    /// Two inputs of one picture do not fit each other.
    #[error("{picture}: {what} are {found}; expected {expected}")]
    Mismatch {
        /// Which picture.
        picture: &'static str,
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A width or height that no picture can have.
    #[error(
        "a picture of {width} × {height} pixels; give between {} and {} each way",
        Self::MIN_SIDE,
        Self::MAX_SIDE
    )]
    Measures {
        /// The width asked for.
        width: u32,
        /// The height asked for.
        height: u32,
    },
    /// Title, axes and legend leave no room to draw in.
    #[error("{width} × {height} pixels leave no room beside axes and labels; give more")]
    Cramped {
        /// The picture's width.
        width: u32,
        /// The picture's height.
        height: u32,
    },
    /// The front end cannot be computed for this clip.
    #[error(transparent)]
    Features(#[from] crate::features::FeatureError),
    /// A training log that cannot be read.
    #[error("{}: {source}", path.display())]
    LogUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// A training log without a column that is needed.
    #[error("{}: no column `{column}`; a training log has the columns {known}", path.display())]
    LogColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// Those a log has.
        known: String,
    },
    /// A cell of a training log that is no number.
    #[error("{}:{line}: {column} is `{found}`; expected a number, or nothing", path.display())]
    LogNumber {
        /// The file.
        path: PathBuf,
        /// The line, the heading being the first.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        found: String,
    },
    /// The drawing library failed.
    #[error("cannot draw: {0}")]
    Drawing(String),
    /// The picture cannot be packed as PNG.
    #[error("cannot pack the picture as PNG")]
    Encoding(#[from] png::EncodingError),
}

impl PlotError {
    /// Below this there is no room for axes.
    pub const MIN_SIDE: u32 = 160;
    /// Above this a bitmap would take gigabytes while it is drawn.
    pub const MAX_SIDE: u32 = 8_192;
}
