//! What may not stand in the code, and what must be said where it does.

use super::rust_file::{RustFile, has_word};
use super::{assert_finds, check};

/// Said with what to do instead, for lines outside tests.
const FORBIDDEN_OUTSIDE_TESTS: [(&str, &str); 4] = [
    (".unwrap()", "pass the error on, or `expect(\"invariant: …\")` where none can be"),
    (".unwrap_err()", "match on the result"),
    ("panic!(", "return an error that says what, where and how to mend it"),
    ("thread::spawn(", "name the thread: `thread::Builder::new().name(\"tympan-…\")`"),
];

/// For every line of code, tests included.
const FORBIDDEN: [(&str, &str); 4] = [
    ("dbg!(", "delete it"),
    (concat!("todo", "!("), "write it, or leave it out"),
    (concat!("unimplemented", "!("), "write it, or leave it out"),
    (
        concat!("#[", "ignore]"),
        "run the test, or delete it; one that takes a while says so, and `make test-all` runs it",
    ),
];

/// For every line, comments included.
const FORBIDDEN_WORDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

/// The kernel cuts a thread's name at 15 bytes.
const THREAD_NAME_BYTES: usize = 15;

fn no_head(file: &RustFile) -> Vec<String> {
    let head = file.lines.first().is_some_and(|line| line.starts_with("//! ") && line.len() > 20);
    if head {
        return Vec::new();
    }
    let what =
        "begins without `//!`; say what it is, what feeds it, what it feeds, which thread runs it";
    vec![file.fault(0, what)]
}

fn forbidden(file: &RustFile) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in file.code.iter().enumerate() {
        let outside = FORBIDDEN_OUTSIDE_TESTS.iter().filter(|_| !file.in_test[index]);
        for (text, mend) in FORBIDDEN.iter().chain(outside) {
            if line.contains(text) {
                faults.push(file.fault(index, format!("{text}: {mend}")));
            }
        }
    }
    faults
}

fn unfinished(file: &RustFile) -> Vec<String> {
    let unfinished = |line: &str| FORBIDDEN_WORDS.iter().any(|word| has_word(line, word));
    let lines = file.lines.iter().enumerate().filter(|(_, line)| unfinished(line));
    lines.map(|(index, _)| file.fault(index, "do it, or leave it out")).collect()
}

fn bare_expect(file: &RustFile) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in file.shipped() {
        for call in [".expect(", ".expect_err("] {
            let Some(at) = line.find(call) else { continue };
            let after = line[..at + call.len()].chars().count();
            let rest: String = file.lines[index].chars().skip(after).collect();
            // a long message goes on the next line
            let next = file.lines.get(index + 1).map_or("", |line| line.trim_start());
            let message = if rest.is_empty() { next } else { &rest };
            if call == ".expect_err(" || !message.starts_with("\"invariant: ") {
                let what =
                    "expect without \"invariant: …\"; say why it cannot fail, or pass the error on";
                faults.push(file.fault(index, what));
            }
        }
    }
    faults
}

fn printing(file: &RustFile) -> Vec<String> {
    if !file.is_in("src") || file.is_in("src/cli") || file.path == "src/main.rs" {
        return Vec::new();
    }
    let prints = |line: &str| {
        ["println", "print", "eprintln", "eprint"]
            .iter()
            .any(|name| line.contains(&format!("{name}!(")) && has_word(line, name))
    };
    let lines = file.shipped().filter(|(_, line)| prints(line));
    lines.map(|(index, _)| file.fault(index, "only cli prints; use `log`, or return it")).collect()
}

fn unjustified_ordering(file: &RustFile) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in file.code.iter().enumerate() {
        for name in ORDERINGS {
            if !has_word(line, name) || !line.contains(&format!("Ordering::{name}")) {
                continue;
            }
            if !comment_above(file, index).contains(name) {
                let what = format!("say on the line above why {name} is enough: `// {name}: …`");
                faults.push(file.fault(index, what));
            }
        }
    }
    faults
}

/// The comment that ends on the line above; empty without one.
fn comment_above(file: &RustFile, index: usize) -> String {
    let above = file.lines[..index].iter().rev().map(|line| line.trim_start());
    above.take_while(|line| line.starts_with("//")).collect::<Vec<_>>().join(" ")
}

fn nameless_threads(file: &RustFile) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in file.shipped() {
        if line.contains("thread::Builder::new()") {
            let statement = file.code[index..].iter().take(3);
            if !statement.into_iter().any(|line| line.contains(".name(")) {
                faults.push(file.fault(index, "a thread without a name; `.name(\"tympan-…\")`"));
            }
        }
        // names stand in `.name(…)` or in a constant; both are literals of their own
        let raw = &file.lines[index];
        for (at, _) in raw.match_indices("\"tympan-") {
            let name: String = raw[at + 1..].chars().take_while(|&c| c != '"').collect();
            let is_name = line.contains(".name(") || line.contains("const THREAD");
            if is_name && name.len() > THREAD_NAME_BYTES {
                let what = format!("{name} has {} bytes; at most {THREAD_NAME_BYTES}", name.len());
                faults.push(file.fault(index, what));
            }
        }
        let literal = line.find(".name(\"").map(|at| line[..at].chars().count() + 7);
        let name = literal.map(|at| raw.chars().skip(at).collect::<String>());
        let threads =
            raw.contains("Builder") || file.lines[index.saturating_sub(1)].contains("Builder");
        if threads && name.is_some_and(|name| !name.starts_with("tympan-")) {
            faults.push(file.fault(index, "threads are named `tympan-<stage>`"));
        }
    }
    faults
}

#[test]
fn every_file_says_what_it_is() {
    check("file heads", no_head);
}

#[test]
fn nothing_forbidden_stands_in_the_code() {
    check("forbidden", forbidden);
}

#[test]
fn nothing_is_left_unfinished() {
    check("unfinished", unfinished);
}

#[test]
fn what_cannot_fail_says_why() {
    check("expect", bare_expect);
}

#[test]
fn only_the_command_line_prints() {
    check("printing", printing);
}

#[test]
fn every_atomic_ordering_is_justified() {
    check("orderings", unjustified_ordering);
}

#[test]
fn every_thread_has_a_name_that_fits() {
    check("threads", nameless_threads);
}

#[test]
fn missing_heads_and_forbidden_words_are_found() {
    assert_finds(no_head, "src/a.rs", "use std::fmt;\n", &[1]);
    assert_finds(no_head, "src/a.rs", "", &[1]);
    assert_finds(no_head, "tests/it/a.rs", "//! Rates of samples, as sources have them.\n", &[]);
    let text = concat!("// ", "TO", "DO: more\nlet a = 1; // ", "FIX", "ME\nlet mastodon = 1;\n");
    assert_finds(unfinished, "src/a.rs", text, &[1, 2]);
}

#[test]
fn forbidden_code_is_found_where_it_ships() {
    let text = "let a = b.unwrap();\n// b.unwrap()\nlet c = \"panic!(\";\npanic!(\"no\");\n\
                #[cfg(test)]\nmod tests {\n    let a = b.unwrap();\n    dbg!(a);\n}\n";
    assert_finds(forbidden, "src/a.rs", text, &[1, 4, 8]);
    assert_finds(forbidden, "tests/it/a.rs", text, &[8]);
    let text = "a.expect(\"invariant: é\");\na.expect(\"fine\");\na.expect(\n    \"invariant: b\",\n);\na.expect(\n    why,\n);\n";
    assert_finds(bare_expect, "src/a.rs", text, &[2, 6]);
    let text = "println!(\"a\");\nwriteln!(out, \"b\");\neprint!(\"c\");\n// println!(\"d\")\n";
    assert_finds(printing, "src/sinks/a.rs", text, &[1, 3]);
    assert_finds(printing, "src/cli/a.rs", text, &[]);
}

#[test]
fn an_ordering_without_its_reason_is_found() {
    let text = "// Relaxed: a count alone.\na.load(Ordering::Relaxed);\nb.load(Ordering::Relaxed);\n\
                // Relaxed: no.\nc.load(Ordering::Acquire);\nmatch d.cmp(e) { Ordering::Less => {} }\n";
    assert_finds(unjustified_ordering, "src/a.rs", text, &[3, 5]);
}

#[test]
fn a_thread_without_a_name_or_with_a_long_one_is_found() {
    let text = "let a = thread::Builder::new().spawn(|| {});\nlet b = 1;\nlet c = 2;\n\
                thread::Builder::new()\n    .name(\"tympan-features\".to_owned());\n\
                thread::Builder::new()\n    .name(\"tympan-features2\".to_owned());\n\
                thread::Builder::new()\n    .name(\"emit\".to_owned());\n";
    assert_finds(nameless_threads, "src/a.rs", text, &[1, 7, 9]);
}
