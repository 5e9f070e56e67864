//! One table of keys: what the state takes, what help prints, what the documents list.

use super::*;
use tympan::watch::KEYS;

#[test]
fn no_key_is_in_the_table_twice() {
    let keys: Vec<Key> = KEYS.iter().flat_map(|binding| binding.keys).copied().collect();
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(key), "{key:?}");
    }
}

#[test]
fn help_lists_every_key_and_is_shown_and_hidden_by_its_own() {
    let mut viewed = busy(SETTINGS);
    let before = viewed.text(60, 20);
    viewed.press(Key::Char('?'));
    let help = viewed.text(60, 20);
    for binding in &KEYS {
        says(&help, &[binding.shown, binding.words]);
    }
    viewed.press(Key::Char('?'));
    assert_eq!(viewed.text(60, 20), before);
    viewed.press(Key::Char('?'));
    viewed.press(Key::Escape);
    assert_eq!(viewed.text(60, 20), before);
}

#[test]
fn the_document_lists_every_key_in_the_table_s_words() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/WATCH.md");
    let document = std::fs::read_to_string(path).unwrap();
    let listed: Vec<String> = KEYS
        .iter()
        .map(|binding| {
            let keys: Vec<String> =
                binding.shown.split(", ").map(|key| format!("`{key}`")).collect();
            format!("| {} | {} |", keys.join(", "), binding.words)
        })
        .collect();
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
    let rows = &rows[..rows.len().min(listed.len())];
    assert_eq!(rows, listed);
}
