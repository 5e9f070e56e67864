//! What lies in the repository besides code: links that lead somewhere, and no recordings.

use std::fs;
use std::path::Path;

use super::{assert_none, files_below, root};

/// Endings of files that hold sound.
const RECORDINGS: [&str; 9] = ["wav", "flac", "ogg", "oga", "mp3", "aiff", "aif", "m4a", "opus"];

/// Everything at the top but what git ignores by name, and git itself.
fn tracked_top() -> Vec<String> {
    let ignore = fs::read_to_string(root().join(".gitignore")).unwrap();
    let ignored =
        |name: &str| name == ".git" || ignore.lines().any(|line| line.trim_matches('/') == name);
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.to_string_lossy().into_owned()).filter(|name| !ignored(name)).collect()
}

fn is_recording(path: &str) -> bool {
    let ending = Path::new(path).extension().map(|ending| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| RECORDINGS.iter().any(|known| ending == *known))
}

/// Targets of the links of a Markdown text that are files, with the index of their line; code blocks aside.
fn file_links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        in_code ^= line.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        for (at, open) in line.match_indices("](") {
            let target: String =
                line[at + open.len()..].chars().take_while(|c| !" )#".contains(*c)).collect();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                links.push((index, target));
            }
        }
    }
    links
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut documents = files_below("docs");
    documents.extend(files_below("models"));
    documents.extend(tracked_top());
    let mut faults = Vec::new();
    for document in documents.iter().filter(|path| path.ends_with(".md")) {
        let path = root().join(document);
        let folder = path.parent().unwrap();
        for (index, target) in file_links(&fs::read_to_string(&path).unwrap()) {
            if !folder.join(&target).exists() {
                let line = index + 1;
                faults.push(format!("{document}:{line}: links to {target}, which is not there"));
            }
        }
    }
    assert_none("links", &faults);
}

#[test]
fn there_are_no_recordings() {
    let top = tracked_top();
    assert!(top.iter().any(|name| name == "src"), "{top:?}");
    let faults: Vec<String> = top
        .iter()
        .flat_map(|name| {
            let below = files_below(name);
            if below.is_empty() { vec![name.clone()] } else { below }
        })
        .filter(|path| is_recording(path))
        .map(|path| format!("{path}:1: a recording; delete it, synthesise it in the test instead"))
        .collect();
    assert_none("recordings", &faults);
}

#[test]
fn links_and_recordings_are_told_from_the_rest() {
    let text = "[a](docs/A.md#b), [c](https://x.y/z) ![d](d.svg \"D\")\n```\n[e](f)\n```\n[g](#h)\n[i](j)\n";
    let expected = [(0, "docs/A.md"), (0, "d.svg"), (5, "j")];
    assert_eq!(file_links(text), expected.map(|(line, target)| (line, target.to_owned())));
    assert!(is_recording("tests/a.WAV") && is_recording("b.ogg") && !is_recording("src/wav.rs"));
}
