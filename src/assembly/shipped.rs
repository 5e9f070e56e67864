//! Where the bundle that comes with tympan is, and the reading of any bundle, with words about it when it is not there. Used
//! by every command that reads a bundle.

use std::path::{Path, PathBuf};

use super::ModelError;
use crate::model::{AnyBundle, BundleError};

/// The shipped bundle, below the working folder, an installation or a clone.
const SHIPPED_BUNDLE: &str = "models/esc50";

/// The shipped bundle: below the working folder, beside the program as an unpacked archive has it, below the prefix of an
/// installed one, or in the clone that the program was built in, so that `tympan classify x.wav` works anywhere.
pub fn shipped_bundle() -> PathBuf {
    let here = PathBuf::from(SHIPPED_BUNDLE);
    shipped_places().into_iter().find(|folder| folder.exists()).unwrap_or(here)
}

/// Where the shipped bundle is looked for, in this order.
fn shipped_places() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from(SHIPPED_BUNDLE)];
    let program = std::env::current_exe().unwrap_or_default();
    let mut above = program.ancestors().skip(1);
    places.extend(above.next().map(|folder| folder.join(SHIPPED_BUNDLE)));
    if let Some(prefix) = above.next() {
        places.push(prefix.join("share/tympan").join(SHIPPED_BUNDLE));
    }
    // `target/release/tympan`, and `target/TRIPLE/release/tympan`
    places.extend(above.take(2).map(|clone| clone.join(SHIPPED_BUNDLE)));
    places.push(Path::new(env!("CARGO_MANIFEST_DIR")).join(SHIPPED_BUNDLE));
    places
}

/// Reads and checks the bundle in `folder`; runs no code from it.
///
/// # Errors
/// [`ModelError`].
pub fn load_bundle(folder: &Path) -> Result<AnyBundle, ModelError> {
    // a configuration that names no model has this one, from whatever folder it is read
    let found =
        if folder == Path::new(SHIPPED_BUNDLE) { shipped_bundle() } else { folder.to_owned() };
    AnyBundle::load(&found).map_err(|error| unusable(&found, error))
}

/// What is wrong with the bundle in `folder`: of the shipped one, where it was looked for.
fn unusable(folder: &Path, error: BundleError) -> ModelError {
    match error {
        BundleError::Missing { .. } if folder == Path::new(SHIPPED_BUNDLE) => {
            let places =
                shipped_places().iter().map(|it| format!("  {}", it.display())).collect::<Vec<_>>();
            ModelError::NoShippedBundle { places: places.join("\n") }
        }
        error => ModelError::Bundle(error),
    }
}
