//! The files of a bundle: read within a bound and from nowhere else, written whole. Called by [`super::Bundle`], on its
//! caller's thread.

use std::io::ErrorKind;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::BundleError;
use crate::files::{self, Durability};

pub const MANIFEST: &str = "model.toml";
pub const WEIGHTS: &str = "weights.safetensors";
pub const CARD: &str = "README.md";

/// Two hundred times the manifest of the shipped bundle, which has 50 labels.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The bytes of a file of the bundle, `max` at most, whatever the file system claims of its length.
///
/// # Errors
/// [`BundleError::Missing`], [`BundleError::Outside`] where a link leads out of the bundle, [`BundleError::TooLarge`], or
/// [`BundleError::File`] when it is no file or cannot be read.
pub fn read(folder: &Path, file: &'static str, max: u64) -> Result<Vec<u8>, BundleError> {
    let path = folder.join(file);
    let failed = |source| BundleError::File { path: path.clone(), source };
    // a file system whose server is away would hold us here already
    let (file_path, folder_path) = (path.clone(), folder.to_owned());
    let resolve = move || Ok((file_path.canonicalize()?, folder_path.canonicalize()?));
    let (target, inside) = match files::within(files::MAX_WAIT, resolve) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(BundleError::Missing { folder: folder.to_owned(), file });
        }
        resolved => resolved.map_err(failed)?,
    };
    if !target.starts_with(inside) {
        return Err(BundleError::Outside { path, target });
    }
    files::read_regular(&target, max).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => {
            // what the file system claims, unless it claims less than there is
            let found = std::fs::metadata(&target).map_or(0, |found| found.len()).max(max + 1);
            BundleError::TooLarge { path, found, max }
        }
        _ => BundleError::File { path, source: error },
    })
}

/// Writes a file of the bundle; nobody reads half of it.
///
/// # Errors
/// [`BundleError::File`].
pub fn write(folder: &Path, file: &'static str, bytes: &[u8]) -> Result<(), BundleError> {
    let path = folder.join(file);
    files::replace(&path, bytes, Durability::Synced)
        .map_err(|source| BundleError::File { path, source })
}

/// The hash that a manifest has of its weights.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
