//! Which number is which class, where a table has both in every row: rows that contradict the others are found out. Used
//! by the readers of ESC-50 and UrbanSound8K.

use std::collections::{BTreeMap, HashMap};

/// The classes of a table by number.
pub(super) struct ClassNumbers(BTreeMap<usize, String>);

impl ClassNumbers {
    /// Pairs each number with the name that most rows give it, and each name with one number; of pairs that are equally
    /// frequent the first counts.
    pub(super) fn of<'a>(rows: impl Iterator<Item = (usize, &'a str)>) -> Self {
        let mut counts: HashMap<(usize, &str), (usize, usize)> = HashMap::new();
        for (index, pair) in rows.enumerate() {
            counts.entry(pair).or_insert((0, index)).0 += 1;
        }
        let mut pairs: Vec<_> = counts.into_iter().collect();
        pairs.sort_by_key(|&(_, (count, first))| (std::cmp::Reverse(count), first));
        let mut classes: BTreeMap<usize, String> = BTreeMap::new();
        for ((number, name), _) in pairs {
            if !classes.contains_key(&number) && !classes.values().any(|taken| taken == name) {
                classes.insert(number, name.to_owned());
            }
        }
        Self(classes)
    }

    /// The names in the order of their numbers.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.values().cloned().collect()
    }

    /// That a row says of itself what the others say of its class, and its file's name too where that has a number.
    pub(super) fn check(
        &self,
        number: usize,
        name: &str,
        in_file_name: Option<usize>,
    ) -> Result<(), String> {
        if self.0.get(&number).is_none_or(|known| known != name) {
            return Err(match self.0.get(&number) {
                Some(known) => {
                    format!("its class {number} is called {name:?}, in most rows {known:?}")
                }
                None => format!("{name:?} has the number {number} here, and another in most rows"),
            });
        }
        match in_file_name.filter(|&named| named != number) {
            Some(named) => {
                Err(format!("its name says class {named}, the table says {number}, {name:?}"))
            }
            None => Ok(()),
        }
    }
}

/// The number at `position` of a file name whose four parts are joined by `-`, as both sets name their files.
pub(super) fn number_in(file_name: &str, position: usize) -> Option<usize> {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let parts: Vec<&str> = stem.split('-').collect();
    if parts.len() == 4 { parts[position].parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_that_contradict_most_are_found() {
        let rows = [(0, "dog"), (0, "dog"), (1, "cat"), (0, "dgo"), (7, "dog"), (1, "cat")];
        let classes = ClassNumbers::of(rows.into_iter());
        assert_eq!(classes.names(), ["dog", "cat"]);
        assert!(classes.check(0, "dog", None).is_ok());
        let fault = classes.check(0, "dgo", None).unwrap_err();
        assert!(fault.contains("dgo") && fault.contains("\"dog\""), "{fault}");
        assert!(classes.check(7, "dog", None).unwrap_err().contains('7'));
        let fault = classes.check(1, "cat", Some(0)).unwrap_err();
        assert!(fault.contains("class 0") && fault.contains("cat"), "{fault}");
    }

    #[test]
    fn numbers_are_read_from_names_of_the_published_form_alone() {
        assert_eq!(number_in("1-100032-A-14.ogg", 3), Some(14));
        assert_eq!(number_in("100652-3-0-1.wav", 1), Some(3));
        assert_eq!(number_in("my-dog.wav", 1), None);
        assert_eq!(number_in("a-b-c-d.wav", 3), None);
    }
}
