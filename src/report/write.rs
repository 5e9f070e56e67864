//! Writes a report: the page, the figures as JSON, every picture as SVG and PNG.

use std::path::Path;

use super::page::{ReportError, page};
use super::pictures::draw_all;
use crate::evaluation::EvaluationReport;
use crate::files::{self, Durability};
use crate::plots::TrainingLog;

/// Writes `index.html`, which needs no other file, `figures.json`, and each picture as `NAME.svg` and `NAME.png` into
/// `folder`, which is made. `log` is the model's training, where it is known.
///
/// # Errors
/// [`ReportError`] when a picture cannot be drawn or a file not be written.
pub fn write_report(
    folder: &Path,
    report: &EvaluationReport,
    log: Option<&TrainingLog>,
) -> Result<(), ReportError> {
    let plates = draw_all(report, log)?;
    std::fs::create_dir_all(folder)
        .map_err(|source| ReportError::File { path: folder.to_owned(), source })?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        files::replace(&path, bytes, Durability::Synced)
            .map_err(|source| ReportError::File { path, source })
    };
    for plate in &plates {
        write(&format!("{}.svg", plate.stem), plate.picture.svg()?.as_bytes())?;
        write(&format!("{}.png", plate.stem), &plate.picture.png()?)?;
    }
    write("figures.json", serde_json::to_string_pretty(report)?.as_bytes())?;
    write("index.html", page(report, &plates)?.as_bytes())
}
