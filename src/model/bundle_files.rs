//! The files of a bundle: read within a bound and from nowhere else, written whole. Called by [`super::Bundle`], on its
//! caller's thread.

use std::fs;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::BundleError;

pub const MANIFEST: &str = "model.toml";
pub const WEIGHTS: &str = "weights.safetensors";
pub const CARD: &str = "README.md";

/// Two hundred times the manifest of the shipped bundle, which has 50 labels.
pub const LARGEST_MANIFEST_BYTES: u64 = 1 << 20;

/// The bytes of a file of the bundle, `most` at most, whatever the file system claims of its length.
///
/// # Errors
/// [`BundleError::Missing`], [`BundleError::Outside`] where a link leads out of the bundle, [`BundleError::TooLarge`], or
/// [`BundleError::File`] when it is no file or cannot be read.
pub fn read(folder: &Path, file: &'static str, most: u64) -> Result<Vec<u8>, BundleError> {
    let path = folder.join(file);
    let failed = |source| BundleError::File { path: path.clone(), source };
    let target = match path.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(BundleError::Missing { folder: folder.to_owned(), file });
        }
        target => target.map_err(failed)?,
    };
    if !target.starts_with(folder.canonicalize().map_err(failed)?) {
        return Err(BundleError::Outside { path, target });
    }
    // asked before it is opened: a pipe without a writer would keep us waiting
    let metadata = fs::metadata(&target).map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(Error::new(ErrorKind::InvalidInput, "not a regular file")));
    }
    let mut bytes = Vec::new();
    if metadata.len() <= most {
        let opened = fs::File::open(&target).map_err(failed)?;
        // one more than allowed, so that a file that grows meanwhile is noticed
        opened.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    let found = metadata.len().max(bytes.len() as u64);
    if found > most {
        return Err(BundleError::TooLarge { path, found, most });
    }
    Ok(bytes)
}

/// Writes beside the target and renames, so that nobody reads half a file.
///
/// # Errors
/// [`BundleError::File`].
pub fn write(folder: &Path, file: &'static str, bytes: &[u8]) -> Result<(), BundleError> {
    let path = folder.join(file);
    let beside = folder.join(format!("{file}.new"));
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, &path))
        .map_err(|source| BundleError::File { path, source })
}

/// The hash that a manifest has of its weights.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
