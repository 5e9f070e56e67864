//! What lies in the repository besides code: no recordings.

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
fn recordings_are_distinguished_from_the_rest() {
    assert!(is_recording("tests/a.WAV") && is_recording("b.ogg") && !is_recording("src/wav.rs"));
}
