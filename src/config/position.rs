//! Where something stands in a configuration file. Made while the file is read, kept for faults that are found later; main
//! thread.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a text file, counted from 1 as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Position {
    /// The place of byte `offset` in `text`.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// The place of every key in a file, and of every text in a list, by path: `detector.confirm.of`,
/// `detector.deny["dog"]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Places(BTreeMap<String, Position>);

impl Places {
    /// Walks through a parsed file.
    pub fn of(text: &str, table: &DeTable<'_>) -> Self {
        let mut places = Self::default();
        places.add_table(text, "", table);
        places
    }

    /// Where `path` stands, if the file has it.
    pub fn get(&self, path: &str) -> Option<Position> {
        self.0.get(path).copied()
    }

    fn add_table(&mut self, text: &str, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = join(path, key.get_ref());
            self.0.insert(path.clone(), Position::of(text, key.span().start));
            self.add_value(text, &path, value);
        }
    }

    fn add_value(&mut self, text: &str, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(text, path, table),
            DeValue::Array(items) => {
                for item in items.iter() {
                    if let DeValue::String(name) = item.get_ref() {
                        let path = item_path(path, name);
                        self.0.entry(path).or_insert(Position::of(text, item.span().start));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The path of the text `item` in the list at `path`.
pub(super) fn item_path(path: &str, item: &str) -> String {
    format!("{path}[{item:?}]")
}

/// `key` below `path`, quoted where TOML wants it quoted.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let quoted = key.is_empty() || !key.chars().all(bare);
    let key = if quoted { format!("{key:?}") } else { key.to_owned() };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_not_bytes() {
        let text = "a = 1\n\"Ächz\" = { ö = 2 }\n";
        assert_eq!(Position::of(text, 0), Position { line: 1, column: 1 });
        let byte = text.find('{').unwrap();
        assert_eq!(Position::of(text, byte), Position { line: 2, column: 10 });
    }

    #[test]
    fn nested_keys_and_list_items_are_found_by_their_path() {
        let text = "[detector]\nconfirm = { of = 3 }\ndeny = [\n  \"dog\",\n]\n[detector.labels.\"a b\"]\n";
        let places = Places::of(text, DeTable::parse(text).unwrap().get_ref());
        assert_eq!(places.get("detector.confirm.of"), Some(Position { line: 2, column: 13 }));
        assert_eq!(places.get("detector.deny[\"dog\"]"), Some(Position { line: 4, column: 3 }));
        assert_eq!(places.get("detector.labels.\"a b\"").unwrap().line, 6);
        assert_eq!(places.get("detector.allow"), None);
    }
}
