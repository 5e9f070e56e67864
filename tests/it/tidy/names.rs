//! Names say what a thing is; `mod.rs` is a door.

use super::rust_file::RustFile;
use super::{assert_finds, check};

/// Modules that would take in anything.
const CATCH_ALL: [&str; 7] = ["utils", "util", "common", "types", "helpers", "helper", "prelude"];

/// Endings of type names that say nothing.
const EMPTY_SUFFIXES: [&str; 7] =
    ["Manager", "Handler", "Helper", "Processor", "Data", "Info", "Context"];

/// Words that nobody would search for, and the field's words in their place.
const PRIVATE_WORDS: [(&str, &str); 43] = [
    ("hear", "capture, receive or process"),
    ("hears", "captures, receives or processes"),
    ("heard", "captured, received, processed or detected"),
    ("tell", "report, publish or send"),
    ("tells", "reports, publishes or sends"),
    ("told", "reported, published or sent"),
    ("teller", "builder or reporter"),
    ("foretold", "predicted"),
    ("said", "reported, printed or detected"),
    ("nap", "wait or poll interval"),
    ("naps", "waits or poll intervals"),
    ("hurry", "cancel"),
    ("hurried", "cancelled"),
    ("vitals", "stats or metrics"),
    ("farewell", "close reason"),
    ("rubbish", "invalid or unknown"),
    ("insist", "retry"),
    ("feeder", "reader or source"),
    ("judge", "score, process or compare"),
    ("judged", "scored, processed or compared"),
    ("harmless", "permitted"),
    ("veto", "deny"),
    ("vetoes", "denies"),
    ("vetoed", "denied"),
    ("news", "event, change or update"),
    ("successor", "the next one, by what it is made with"),
    ("bite", "time out"),
    ("bites", "times out"),
    ("burden", "load"),
    ("burdened", "loaded"),
    ("mood", "behaviour"),
    ("stranger", "client"),
    ("strangers", "clients"),
    ("witness", "checker or observer"),
    ("deaf", "silent"),
    ("ballast", "filler"),
    ("forgiven", "expired"),
    ("obedient", "the name of what it does"),
    ("tidied", "cleaned up"),
    ("awaited", "unavailable"),
    ("obstacle", "last error"),
    ("handover", "swap"),
    ("takeover", "swap"),
];

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

/// The words of an identifier, in small letters: `HeardScene` and `heard_scene` have the same two.
fn words_of(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in identifier.chars() {
        if c == '_' || (c.is_uppercase() && was_small) {
            words.push(String::new());
        }
        was_small = c.is_lowercase() || c.is_numeric();
        if c != '_' {
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
    }
    words
}

fn private_words(file: &RustFile) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in file.code.iter().enumerate() {
        for identifier in line.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
            let words = words_of(identifier);
            let private = PRIVATE_WORDS.iter().find(|(word, _)| words.iter().any(|it| it == word));
            if let Some((word, better)) = private {
                faults.push(file.fault(index, format!("{identifier}: not {word}; say {better}")));
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
fn identifiers_use_the_words_of_the_field() {
    check("words of identifiers", private_words);
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
    let text = "fn hear() {}\nstruct HeardScene;\nlet was_told = 1;\n// heard\nlet shear = \"told\";\n\
                const NAPS: u8 = 1;\nfn snapped(heart: u8) {}\n";
    assert_finds(private_words, "src/a.rs", text, &[1, 2, 3, 6]);
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
