//! Holds the tree to its own conventions: layers, circles, names, comments. Every check lists all faults of all files, each
//! as `file:line: what to do`, and is itself shown a fault that it must find.

use std::fs;
use std::path::{Path, PathBuf};

mod circles;
mod code;
mod dependencies;
mod imports;
mod layers;
mod names;
mod rust_file;
mod tree;

use rust_file::RustFile;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` of the repository, as paths from its root with `/`; none where there is no such folder.
fn files_below(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                files.push(from_root(&path));
            }
        }
    }
    files.sort();
    files
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// Every Rust file of the package.
fn rust_files() -> Vec<RustFile> {
    let mut paths = vec!["build.rs".to_owned()];
    for folder in ["src", "tests", "benches"] {
        paths.extend(files_below(folder).into_iter().filter(|path| path.ends_with(".rs")));
    }
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        RustFile::new(&path, &text)
    };
    let files: Vec<RustFile> = paths.into_iter().map(read).collect();
    let in_src = files.iter().filter(|file| file.is_in("src")).count();
    assert!(in_src > 40, "only {in_src} files in src: the checks would prove nothing");
    files
}

fn assert_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}; {} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Runs a check over every Rust file.
fn check(rule: &str, find: fn(&RustFile) -> Vec<String>) {
    let faults: Vec<String> = rust_files().iter().flat_map(find).collect();
    assert_none(rule, &faults);
}

/// That a check finds exactly the faults in the given lines of a file that is made up.
fn assert_finds(find: fn(&RustFile) -> Vec<String>, path: &str, text: &str, lines: &[usize]) {
    let faults = find(&RustFile::new(path, text));
    let expected: Vec<String> = lines.iter().map(|line| format!("{path}:{line}: ")).collect();
    let fits = faults.len() == expected.len()
        && faults.iter().zip(&expected).all(|(fault, place)| fault.starts_with(place.as_str()));
    assert!(fits, "expected faults at {expected:?}, found {faults:#?}");
}
