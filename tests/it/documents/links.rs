//! Links of the documents lead to files and headings that are there; so do the paths of source files that they name.

use std::path::{Component, Path, PathBuf};

use super::{Document, assert_none, documents, root};

/// `docs/../README.md` as `README.md`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[test]
fn links_in_the_documents_lead_to_a_file_and_a_heading() {
    let documents = documents();
    let mut faults = Vec::new();
    for document in &documents {
        let folder = Path::new(&document.path).parent().unwrap();
        for link in document.links() {
            let file = match link.file.as_str() {
                "" => PathBuf::from(&document.path),
                file => normal(&folder.join(file)),
            };
            let place = format!("{}:{}", document.path, link.line);
            if !root().join(&file).exists() {
                faults.push(format!("{place}: links to {}, which is not there", file.display()));
                continue;
            }
            let Some(anchor) = link.anchor else { continue };
            let target = documents.iter().find(|document| Path::new(&document.path) == file);
            if !target.is_some_and(|target| target.anchors().contains(&anchor)) {
                faults.push(format!("{place}: {} has no heading #{anchor}", file.display()));
            }
        }
    }
    assert_none("links", &faults);
}

/// Files and folders of the code that a document names between backticks, each with its line.
fn paths_of_code(document: &Document) -> Vec<(usize, &str)> {
    const FOLDERS: [&str; 6] = ["src/", "tests/", "benches/", "examples/", "scripts/", "systemd/"];
    let mut paths = Vec::new();
    for line in document.prose() {
        let quoted = line.text.split('`').skip(1).step_by(2);
        let of_code = quoted.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)));
        paths.extend(of_code.map(|word| (line.number, word.split(' ').next().unwrap_or(word))));
    }
    paths
}

#[test]
fn files_of_the_code_that_the_documents_name_are_there() {
    let mut faults = Vec::new();
    // the changelog names files as they were
    for document in documents().iter().filter(|document| document.path != "CHANGELOG.md") {
        for (number, path) in paths_of_code(document) {
            if !path.contains('*') && !root().join(path).exists() {
                faults
                    .push(format!("{}:{number}: names {path}, which is not there", document.path));
            }
        }
    }
    assert_none("paths", &faults);
}
