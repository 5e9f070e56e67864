//! Where real recordings are, for the tests that need them. Included by more than one test binary.

use std::path::{Path, PathBuf};

use super::skipping::skipped;

/// The folder that holds `esc50/`: `TYMPAN_TEST_RECORDINGS`, or `../shared/data` beside the project.
///
/// None, with a word on standard error, where there are no recordings; in CI that is a failure, so that nothing is skipped
/// there.
pub fn recordings(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("TYMPAN_TEST_RECORDINGS").map_or(beside, PathBuf::from);
    if folder.join("esc50").is_dir() {
        return Some(folder);
    }
    let why = format!(
        "{test}: no recordings at {}; set TYMPAN_TEST_RECORDINGS to a folder with ESC-50 in it as esc50/",
        folder.display()
    );
    skipped(&why);
    None
}
