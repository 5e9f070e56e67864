//! Holds the documents to the program: the page of the configuration is made from config.toml, links lead somewhere,
//! commands parse, sizes stay below their limits.

use std::fs;
use std::path::{Path, PathBuf};

mod commands;
mod configuration;
mod links;
mod markdown;
mod sizes;

use markdown::Document;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files in a folder of the repository and in those below it, as paths from the root.
fn markdown_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// Every document of people who use tympan or work on it.
fn documents() -> Vec<Document> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(PathBuf::from).to_vec();
    paths.extend(markdown_below("docs"));
    paths.extend(markdown_below("models"));
    paths.sort();
    let documents: Vec<Document> = paths.iter().map(|path| Document::read(path)).collect();
    let count = documents.len();
    assert!(count > 8, "only {count} documents: the checks would prove nothing");
    documents
}

fn assert_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}; {} faults:\n{}", faults.len(), faults.join("\n"));
}
