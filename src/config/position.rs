//! Where something stands in a configuration file. Made while the file is read, kept for faults that are found later; main
//! thread.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::LabelSet;

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
        Lines::of(text).position(offset)
    }
}

/// A text and where its lines begin, for the places of many things in it.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = self.starts.partition_point(|&start| start <= before.len());
        Position { line, column: before[self.starts[line - 1]..].chars().count() + 1 }
    }
}

/// Deepest that a key of the configuration lies: `detector.labels.dog.threshold`. What is written below an unknown key is
/// not looked at, and must not make long paths of many short keys.
const MAX_DEPTH: usize = 4;

/// The place of every key in a file, of every text in a list and every table in one, by path: `detector.confirm.of`,
/// `detector.deny["dog"]`, `input[1]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Places(BTreeMap<String, Position>);

impl Places {
    /// Walks through a parsed file.
    pub fn of(text: &str, table: &DeTable<'_>) -> Self {
        let mut places = Self::default();
        places.add_table(&Lines::of(text), "", MAX_DEPTH, table);
        places
    }

    /// Where `path` stands, if the file has it.
    pub fn get(&self, path: &str) -> Option<Position> {
        self.0.get(path).copied()
    }

    /// Adds the keys of the table at a path, and those of tables in it while there is depth left.
    fn add_table(&mut self, lines: &Lines<'_>, path: &str, depth: usize, table: &DeTable<'_>) {
        if depth == 0 {
            return;
        }
        for (key, value) in table {
            let path = join(path, key.get_ref());
            self.0.insert(path.clone(), lines.position(key.span().start));
            self.add_value(lines, &path, depth - 1, value);
        }
    }

    fn add_value(
        &mut self,
        lines: &Lines<'_>,
        path: &str,
        depth: usize,
        value: &Spanned<DeValue<'_>>,
    ) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(lines, path, depth, table),
            DeValue::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    let path = match item.get_ref() {
                        DeValue::String(name) => item_path(path, name),
                        DeValue::Table(_) => place_path(path, place),
                        _ => continue,
                    };
                    let position = lines.position(item.span().start);
                    self.0.entry(path.clone()).or_insert(position);
                    if let DeValue::Table(table) = item.get_ref() {
                        self.add_table(lines, &path, depth, table);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The first key that is longer than any key or label, and its place: every path below it would repeat it.
pub(super) fn overlong_key(text: &str, table: &DeTable<'_>) -> Option<Position> {
    table.iter().find_map(|(key, value)| {
        if key.get_ref().len() > LabelSet::MAX_LABEL_BYTES {
            return Some(Position::of(text, key.span().start));
        }
        value.get_ref().as_table().and_then(|table| overlong_key(text, table))
    })
}

/// The path of the text `item` in the list at `path`.
pub(super) fn item_path(path: &str, item: &str) -> String {
    format!("{path}[{item:?}]")
}

/// The path of a table in the list at `path`, by its `place` from 0; people count from 1.
pub(super) fn place_path(path: &str, place: usize) -> String {
    format!("{path}[{}]", place + 1)
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
