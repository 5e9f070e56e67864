//! Names of classes that are hardly meant: parts of a split, folders of folders, and labels that look the same. Warned of
//! by the readers, before anything is decoded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

/// Names that folders have for what they are for, not for what sounds in them.
const PURPOSES: [&str; 26] = [
    "train",
    "training",
    "test",
    "testing",
    "tests",
    "val",
    "valid",
    "validation",
    "dev",
    "eval",
    "evaluation",
    "audio",
    "audios",
    "wav",
    "wavs",
    "mp3",
    "flac",
    "data",
    "dataset",
    "clips",
    "sounds",
    "recordings",
    "samples",
    "raw",
    "files",
    "split",
];

/// Words before a number that name a part of a set: `fold1`, `part-2`.
const PARTS: [&str; 6] = ["fold", "split", "part", "set", "batch", "cv"];

/// Warns of class folders that are none.
pub(super) fn warn_of_folders(folder: &Path, classes: &BTreeMap<String, Vec<PathBuf>>) {
    for (name, files) in classes {
        let below = subfolders(&folder.join(name), files);
        let path = folder.join(name);
        match (is_purpose(name), &below[..]) {
            (true, []) => log::warn!(
                "{}: a class would be called {name:?}, which is hardly a sound. If it is not one, put its recordings into \
                 a folder for each class, or list them in a table with the columns path and label",
                path.display()
            ),
            (true, some) => log::warn!(
                "{}: a class would be called {name:?}, and holds only the folders {}. If those are the classes, name this \
                 folder: --data {}",
                path.display(),
                some.join(", "),
                path.display()
            ),
            (false, some) if some.len() > 1 => log::warn!(
                "{}: the class {name:?} holds only folders ({}), whose recordings all count as {name:?}. If those are the \
                 classes, name this folder: --data {}",
                path.display(),
                some.join(", "),
                path.display()
            ),
            (false, _) => {}
        }
    }
}

/// The first few folders directly below `class`, if all its files are in folders.
fn subfolders(class: &Path, files: &[PathBuf]) -> Vec<String> {
    const SHOWN: usize = 4;
    let mut below: BTreeSet<String> = BTreeSet::new();
    for file in files {
        let mut parts = file.strip_prefix(class).unwrap_or(file).components();
        match (parts.next(), parts.next()) {
            (Some(first), Some(_)) => {
                below.insert(first.as_os_str().to_string_lossy().into_owned())
            }
            _ => return Vec::new(),
        };
    }
    let more = below.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = below.into_iter().take(SHOWN).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown
}

fn is_purpose(name: &str) -> bool {
    let plain = name.to_lowercase();
    let word: String = plain.chars().filter(|it| it.is_alphabetic()).collect();
    let has_number = plain.chars().any(|it| it.is_ascii_digit());
    PURPOSES.contains(&&*plain)
        || has_number && (PARTS.contains(&&*word) || PURPOSES.contains(&&*word))
}

/// Warns of labels that differ only in capitals, spaces, or the way their letters are composed.
pub(super) fn warn_of_alike<'a>(place: &Path, labels: impl Iterator<Item = &'a str>) {
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for label in labels {
        alike.entry(essence(label)).or_default().push(label);
    }
    for labels in alike.into_values().filter(|labels| labels.len() > 1) {
        let shown: Vec<String> = labels.iter().map(|label| format!("{label:?}")).collect();
        log::warn!(
            "{}: {} are different classes, and look like one. If they are one, give them the same name",
            place.display(),
            shown.join(" and ")
        );
    }
}

/// A label without what people do not see or mean.
fn essence(label: &str) -> String {
    let is_sign = |it: char| {
        it.is_whitespace()
            || matches!(it, '_' | '-' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}')
    };
    let plain: String =
        label.nfkc().filter(|&it| !is_sign(it)).flat_map(char::to_lowercase).collect();
    // capitals may have come apart into other compositions
    plain.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_split_are_distinguished_from_sounds() {
        for name in ["train", "Test", "fold1", "fold_10", "VAL", "audio", "part-2", "train2"] {
            assert!(is_purpose(name), "{name}");
        }
        for name in
            ["dog", "train_horn", "test tone", "rain", "high", "audio feedback", "7", "fold"]
        {
            assert!(!is_purpose(name), "{name}");
        }
    }

    #[test]
    fn labels_that_look_the_same_have_one_essence() {
        for (one, other) in [
            ("Dog", "dog"),
            ("low ", "low"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("dog bark", "dog_bark"),
        ] {
            assert_eq!(essence(one), essence(other), "{one:?} {other:?}");
        }
        assert_ne!(essence("low"), essence("slow"));
    }
}
