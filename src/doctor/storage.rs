//! Room and rights in a folder that an output writes to. Tried for real, on the calling thread; makes one finding.

use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use super::Finding;
use crate::files;

/// What should stay free beside all that an output may write: other programs write too.
const SPARE_BYTES: u64 = 50_000_000;

/// A folder that an output writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// What the output is called: `log` or `clips`.
    pub output: &'static str,
    /// The folder.
    pub folder: PathBuf,
    /// Why nothing can be written there, in the system's words.
    pub fault: Option<String>,
    /// What is free, for this user; none if the system does not say.
    pub free_bytes: Option<u64>,
    /// What the output writes at most.
    pub max_total_bytes: u64,
}

impl Storage {
    /// Tries the folder, or the nearest above it that is there.
    pub fn gather(output: &'static str, folder: &Path, max_total_bytes: u64) -> Self {
        let nearest = files::nearest_folder(folder);
        let free_bytes = statvfs(nearest).ok().map(|room| {
            #[allow(clippy::unnecessary_cast, reason = "32-bit systems have narrower fields")]
            let (blocks, block_bytes) =
                (room.blocks_available() as u64, room.fragment_size() as u64);
            blocks.saturating_mul(block_bytes)
        });
        Self {
            output,
            folder: folder.to_owned(),
            fault: files::probe_folder(nearest).err().map(|error| error.to_string()),
            free_bytes,
            max_total_bytes,
        }
    }

    /// Of all folders; without one, nothing is written.
    pub fn findings(folders: &[Self]) -> Vec<Finding> {
        if folders.is_empty() {
            return vec![Finding::ok("disk", "the configuration writes no log and no clips")];
        }
        folders.iter().map(Self::finding).collect()
    }

    /// A failure where nothing can be written, for `tympan run` refuses that.
    fn finding(&self) -> Finding {
        const CHECK: &str = "disk";
        let Self { output, folder, fault, free_bytes, max_total_bytes } = self;
        let folder = folder.display();
        if let Some(fault) = fault {
            let found = format!("{output}: {folder} cannot be written: {fault}");
            let advice = format!(
                "make it and give it to tympan's user (sudo install -d -o USER {folder}), or name another folder"
            );
            return Finding::failure(CHECK, found, advice);
        }
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let Some(free) = *free_bytes else {
            return Finding::ok(CHECK, format!("{output}: {folder} can be written"));
        };
        let found = format!(
            "{output}: {folder} can be written, {} MB free, at most {} MB used",
            megabytes(free),
            megabytes(*max_total_bytes)
        );
        if free < SPARE_BYTES {
            return Finding::warning(
                CHECK,
                found,
                "free some room: tympan drops what finds no room",
            );
        }
        if free < max_total_bytes.saturating_add(SPARE_BYTES) {
            let advice = "lower max_total_mb, unless these files are there already";
            return Finding::warning(CHECK, found, advice);
        }
        Finding::ok(CHECK, found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn folder(free_bytes: u64) -> Storage {
        Storage {
            output: "log",
            folder: "/var/log/tympan".into(),
            fault: None,
            free_bytes: Some(free_bytes),
            max_total_bytes: 100_000_000,
        }
    }

    #[test]
    fn a_folder_without_rights_is_a_failure_and_one_without_room_a_warning() {
        assert_eq!(folder(10_000_000_000).finding().verdict, Verdict::Ok);
        assert_eq!(folder(149_999_999).finding().verdict, Verdict::Warning);
        let full = folder(1_000).finding();
        assert_eq!(full.verdict, Verdict::Warning);
        assert!(full.advice.contains("free some room"), "{full:?}");
        let closed = Storage { fault: Some("Permission denied".into()), ..folder(1 << 40) };
        assert_eq!(closed.finding().verdict, Verdict::Failure);
    }

    #[test]
    fn a_folder_that_is_still_to_be_made_is_tried_above_it() {
        let root = tempfile::tempdir().unwrap();
        let later = root.path().join("clips/of/today");
        let found = Storage::gather("clips", &later, 1_000);
        assert_eq!(found.fault, None);
        assert!(found.free_bytes.is_some_and(|free| free > 0), "{found:?}");
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Storage::gather("log", &file, 1_000).fault.is_some());
        assert_eq!(Storage::findings(&[])[0].verdict, Verdict::Ok);
        assert_eq!(Storage::findings(&[found.clone(), found]).len(), 2);
    }
}
