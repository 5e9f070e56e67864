//! No two files need each other, directly or over others: what both need stands in a file below both.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Modules, imports};
use super::rust_file::RustFile;
use super::{assert_none, rust_files};

/// Circles that stay: files, or all below a folder, and why.
const ALLOWED: [(&[&str], &str); 4] = [
    (
        &["src/domain/error.rs", "src/domain/label_set.rs", "src/domain/sample_rate.rs"],
        "types with their error, which prints their bounds",
    ),
    (
        &["src/features/error.rs", "src/features/sliding_window.rs"],
        "a type with its error, which prints its bounds",
    ),
    (
        &["src/recognition/detector_fault.rs", "src/recognition/detector_spec.rs"],
        "a type with its error",
    ),
    (&["src/sources/sample_ring/"], "a ring and its two ends, made by one constructor"),
];

/// Which file needs which others; doors only pass on, and what is for tests alone does not count.
fn needs(files: &[RustFile]) -> BTreeMap<&str, BTreeSet<String>> {
    let modules = Modules::of(files);
    let mut needs = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_in("src") && !file.path.ends_with("/mod.rs")) {
        let shipped = imports(file).into_iter().filter(|it| !file.in_test[it.line]);
        let others = shipped.filter_map(|it| modules.file_of(&it.path).map(str::to_owned));
        let others = others.filter(|other| *other != file.path && !other.ends_with("/mod.rs"));
        needs.insert(file.path.as_str(), others.collect());
    }
    needs
}

/// Every file that `from` needs, directly or over others.
fn reach<'a>(needs: &'a BTreeMap<&str, BTreeSet<String>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&str> = vec![from];
    while let Some(file) = waiting.pop() {
        for other in needs.get(file).into_iter().flatten() {
            if reached.insert(other.as_str()) {
                waiting.push(other);
            }
        }
    }
    reached
}

/// Files that need themselves over others, circle by circle.
fn circles(files: &[RustFile]) -> Vec<Vec<String>> {
    let needs = needs(files);
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        needs.keys().map(|file| (*file, reach(&needs, file))).collect();
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    for (file, others) in reached.iter().filter(|(file, others)| others.contains(*file)) {
        let back = |other: &&&str| reached.get(**other).is_some_and(|it| it.contains(file));
        found.insert(others.iter().filter(back).map(ToString::to_string).collect());
    }
    found.into_iter().collect()
}

fn is_allowed(circle: &[String]) -> bool {
    ALLOWED.iter().any(|(places, _)| {
        circle.iter().all(|file| {
            places
                .iter()
                .any(|place| file == place || place.ends_with('/') && file.starts_with(place))
        })
    })
}

#[test]
fn no_files_need_each_other_but_a_type_and_its_error() {
    let circles = circles(&rust_files());
    let faults: Vec<String> = circles
        .iter()
        .filter(|circle| !is_allowed(circle))
        .map(|circle| {
            format!("{}: they need each other; move what they share below them", circle.join(", "))
        })
        .collect();
    assert_none("circles", &faults);
}

#[test]
fn a_circle_over_a_door_and_over_a_third_file_is_found() {
    let files = [
        RustFile::new("src/lib.rs", "pub mod a;\n"),
        RustFile::new("src/a/mod.rs", "mod b;\nmod c;\nmod d;\nmod e;\npub use c::{C, c};\n"),
        RustFile::new("src/a/b.rs", "use super::C;\n"),
        RustFile::new("src/a/c.rs", "fn c() { crate::a::d::d() }\n"),
        RustFile::new("src/a/d.rs", "use super::b;\nuse super::e::E;\n"),
        RustFile::new("src/a/e.rs", "#[cfg(test)]\nmod tests {\n    use super::super::C;\n}\n"),
    ];
    assert_eq!(circles(&files), [["src/a/b.rs", "src/a/c.rs", "src/a/d.rs"]]);
}
