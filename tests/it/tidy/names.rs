//! Names say what a thing is; `mod.rs` is a door.

use super::rust_file::RustFile;
use super::{assert_finds, check};

/// Modules that would take in anything.
const CATCH_ALL: [&str; 7] = ["utils", "util", "common", "types", "helpers", "helper", "prelude"];

/// Endings of type names that say nothing.
const EMPTY_SUFFIXES: [&str; 7] =
    ["Manager", "Handler", "Helper", "Processor", "Data", "Info", "Context"];

fn catch_all_modules(file: &RustFile) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs");
    if !stem.split('/').any(|part| CATCH_ALL.contains(&part)) {
        return Vec::new();
    }
    vec![file.fault(0, "a module that takes in anything; name it after the one concept it holds")]
}

fn logic_in_doors(file: &RustFile) -> Vec<String> {
    if !file.is_in("src") || !file.path.ends_with("/mod.rs") {
        return Vec::new();
    }
    let logic =
        ["fn ", "struct ", "enum ", "trait ", "impl ", "impl<", "const ", "static ", "type "];
    let is_logic = |line: &str| {
        let item = line.trim_start().trim_start_matches("pub ");
        let item = item.strip_prefix("pub(crate) ").unwrap_or(item);
        logic.iter().any(|word| item.starts_with(word)) || line.contains("macro_rules!")
    };
    let lines = file.code.iter().enumerate().filter(|(_, line)| is_logic(line));
    let what = "mod.rs holds documentation and re-exports only; give this a file named after it";
    lines.map(|(index, _)| file.fault(index, what)).collect()
}

fn empty_type_names(file: &RustFile) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in file.code.iter().enumerate().filter(|_| file.is_in("src")) {
        for keyword in ["struct ", "enum ", "trait "] {
            let Some(at) = line.find(keyword) else { continue };
            let name: String = line[at + keyword.len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if let Some(suffix) = EMPTY_SUFFIXES.iter().find(|suffix| name.ends_with(*suffix)) {
                let what = format!("{name}: {suffix} says nothing; name what it is or does");
                faults.push(file.fault(index, what));
            }
        }
    }
    faults
}

/// `one_sample_at_a_time_gives_the_same_windows`: at least three words.
fn tests_that_are_no_sentences(file: &RustFile) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in file.code.iter().enumerate() {
        if line.trim() != "#[test]" {
            continue;
        }
        // other attributes may stand between
        let function = file.code[index..].iter().position(|line| line.contains("fn "));
        let Some(index) = function.map(|after| index + after) else { continue };
        let name = file.code[index].trim_start().trim_start_matches("fn ");
        let name = name.split('(').next().unwrap_or(name);
        if name.matches('_').count() < 2 || name.starts_with("test_") {
            faults.push(file.fault(index, format!("{name}: a test's name is a sentence")));
        }
    }
    faults
}

#[test]
fn no_module_takes_in_anything() {
    check("module names", catch_all_modules);
}

#[test]
fn folders_doors_hold_no_logic() {
    check("mod.rs", logic_in_doors);
}

#[test]
fn type_names_say_what_they_are() {
    check("type names", empty_type_names);
}

#[test]
fn names_of_tests_are_sentences() {
    check("test names", tests_that_are_no_sentences);
}

#[test]
fn bad_names_are_found() {
    assert_finds(catch_all_modules, "src/sinks/utils.rs", "", &[1]);
    assert_finds(catch_all_modules, "src/common/mod.rs", "", &[1]);
    assert_finds(catch_all_modules, "src/sinks/commons.rs", "", &[]);
    let text = "pub struct SinkManager {}\nenum Database {}\npub trait AudioProcessor<T> {}\n";
    assert_finds(empty_type_names, "src/a.rs", text, &[1, 3]);
    let text = "#[test]\nfn scores() {}\n#[test]\n#[should_panic]\nfn test_that_it_works() {}\n\
                #[test]\nfn a_rate_in_khz_is_refused() {}\n";
    assert_finds(tests_that_are_no_sentences, "src/a.rs", text, &[2, 5]);
}

#[test]
fn logic_behind_the_door_is_found() {
    let text =
        "//! fn in words\nmod a;\npub use a::constant;\npub fn b() {}\n    fn c() {}\nimpl D {\n";
    assert_finds(logic_in_doors, "src/sinks/mod.rs", text, &[4, 5, 6]);
    assert_finds(logic_in_doors, "src/sinks/a.rs", text, &[]);
}
