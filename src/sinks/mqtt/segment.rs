//! Names as they may stand in one level of a topic and in an id of Home Assistant. Called by `Topics`; pure.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

/// Digits of a hash that make two names differ.
const HASH_DIGITS: usize = 8;

/// Some names, each with its own segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segments(BTreeMap<String, String>);

impl Segments {
    /// Of names that differ from each other, in any order. A name of letters, digits, `_` and `-` is its own segment. In any
    /// other, what may not stand there becomes `_`; where that is no longer the only one of its kind, a hash of the name follows.
    pub(super) fn new<S: AsRef<str>>(names: &[S]) -> Self {
        let names: BTreeSet<&str> = names.iter().map(AsRef::as_ref).collect();
        let mut uses: BTreeMap<String, usize> = BTreeMap::new();
        for name in &names {
            *uses.entry(plain(name)).or_default() += 1;
        }
        let segment = |name: &&str| {
            let plain = plain(name);
            let is_unique = uses[&plain] == 1 && plain.contains(|c: char| c.is_alphanumeric());
            if plain == **name || is_unique { plain } else { hashed(name) }
        };
        Self(names.iter().map(|name| ((*name).to_owned(), segment(name))).collect())
    }

    /// The segment of a name; one that was not known before gets its own as well.
    pub(super) fn of(&self, name: &str) -> String {
        let own = || if plain(name) == name { name.to_owned() } else { hashed(name) };
        self.0.get(name).cloned().unwrap_or_else(own)
    }
}

fn plain(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

fn hashed(name: &str) -> String {
    let hash = Sha256::digest(name.as_bytes());
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{}", plain(name), &digits[..HASH_DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_becomes_a_segment_that_no_other_has() {
        let names = [
            "dog",
            "church bells",
            "a b",
            "a_b",
            "a/b",
            "a+b",
            "a#b",
            "a\"b",
            "$x",
            "雨",
            "風",
            "é",
            "-",
        ];
        let segments = Segments::new(&names);
        let all: BTreeSet<String> = names.iter().map(|name| segments.of(name)).collect();
        assert_eq!(all.len(), names.len(), "{all:?}");
        let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!(all.iter().all(|it| !it.is_empty() && it.chars().all(is_safe)), "{all:?}");
        assert_eq!(segments.of("dog"), "dog");
        assert_eq!(segments.of("church bells"), "church_bells");
        assert_eq!(segments.of("a_b"), "a_b");
        assert!(segments.of("a b").starts_with("a_b_"), "{}", segments.of("a b"));
    }

    #[test]
    fn segments_do_not_depend_on_the_order_of_the_names() {
        let forward = Segments::new(&["a b", "a/b", "c"]);
        assert_eq!(forward, Segments::new(&["c", "a/b", "a b"]));
    }

    #[test]
    fn a_name_that_was_not_known_gets_a_segment_as_well() {
        let segments = Segments::new(&["dog"]);
        assert_eq!(segments.of("cat"), "cat");
        assert!(segments.of("x/y").starts_with("x_y_"));
    }
}
