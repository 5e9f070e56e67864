//! Where a picture goes, how large it is and what it is called: the options all pictures share.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;

use crate::cli::{Failure, output};
use crate::files::{self, Durability};
use crate::plots::{Picture, PlotError, Sheet};

/// Options of every picture.
#[derive(Debug, Args)]
pub(super) struct Destination {
    /// File to write, ending in .svg or .png; give it twice for both. By default INPUT-PICTURE.png in the working folder
    #[arg(long, value_name = "FILE")]
    out: Vec<PictureFile>,
    /// Width in pixels; by default what the picture needs
    #[arg(long, value_name = "PIXELS")]
    width: Option<u32>,
    /// Height in pixels; by default what the picture needs
    #[arg(long, value_name = "PIXELS")]
    height: Option<u32>,
    /// Title above the picture; by default one made of the input's name
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

/// A file whose ending says what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PictureFile {
    path: PathBuf,
    format: PictureFormat,
}

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PictureFormat {
    Svg,
    Png,
}

impl FromStr for PictureFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let format = match ending.as_deref() {
            Some("svg") => PictureFormat::Svg,
            Some("png") => PictureFormat::Png,
            Some(other) => {
                return Err(format!("pictures are written as .svg or .png, not as .{other}"));
            }
            None => return Err("its ending, .svg or .png, says how to write it".to_owned()),
        };
        Ok(Self { path, format })
    }
}

impl Destination {
    /// The sheet asked for, called `title` unless it was given another.
    pub(super) fn sheet(&self, title: String) -> Sheet {
        let title = self.title.clone().unwrap_or(title);
        Sheet { title, width: self.width, height: self.height }
    }

    /// Writes the picture to every file asked for, by default to one named after `input` and the kind of picture; prints
    /// their paths.
    ///
    /// # Errors
    /// [`Failure`] with exit code 1 when a file cannot be written.
    pub(super) fn write(&self, picture: &Picture, input: &Path, kind: &str) -> Result<(), Failure> {
        let default = [PictureFile {
            path: PathBuf::from(format!("{}-{kind}.png", stem(input))),
            format: PictureFormat::Png,
        }];
        let files = if self.out.is_empty() { default.as_slice() } else { &self.out };
        for PictureFile { path, format } in files {
            let bytes = match format {
                PictureFormat::Svg => picture.svg().map(String::into_bytes),
                PictureFormat::Png => picture.png(),
            };
            files::replace(path, &bytes.map_err(failure_of)?, Durability::Synced)
                .map_err(|error| Failure::failed(anyhow!("{}: {error}", path.display())))?;
            output::print(&format!("{}\n", path.display()))?;
        }
        Ok(())
    }
}

/// What an input is called without folders and ending.
fn stem(input: &Path) -> String {
    // `.` and `..` have no name of their own
    let whole = input.canonicalize().unwrap_or_else(|_| input.to_owned());
    whole
        .file_stem()
        .map_or_else(|| "tympan".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// What an input is called without folders.
pub(super) fn name(input: &Path) -> String {
    let whole = input.canonicalize().unwrap_or_else(|_| input.to_owned());
    whole.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The exit code of a picture that cannot be drawn.
pub(super) fn failure_of(error: PlotError) -> Failure {
    match error {
        PlotError::Drawing(_) | PlotError::Encoding(_) => Failure::failed(error),
        PlotError::Features(_) => Failure::device_or_model(error),
        _ => Failure::usage(error),
    }
}
