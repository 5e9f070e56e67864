//! The `tympan …` commands in the documents' blocks of code are commands that tympan takes.

use clap::Parser;
use tympan::cli::Arguments;

use super::markdown::Line;
use super::{assert_none, documents};

/// Commands of `tympan` in the blocks of code. A line that ends with `\` goes on in the next one.
fn commands(lines: &[Line<'_>]) -> Vec<(usize, Vec<String>)> {
    let mut commands = Vec::new();
    let mut whole = String::new();
    for line in lines.iter().filter(|line| line.is_code) {
        if let Some(begun) = line.text.strip_suffix('\\') {
            whole.push_str(begun);
            continue;
        }
        whole.push_str(line.text);
        for part in std::mem::take(&mut whole).split(['|', ';', '&']) {
            let words = words(part);
            let start = words.iter().position(|word| word != "sudo" && word != "$");
            if let Some(start) = start.filter(|&start| words[start] == "tympan") {
                commands.push((line.number, words[start..].to_vec()));
            }
        }
    }
    commands
}

/// The words of a command up to a comment or a redirection, quotes removed.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = command.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '#' | '>' | '<' => break,
            '\'' | '"' => rest[1..].split_once(first).unwrap_or((&rest[1..], "")),
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[test]
fn commands_in_the_documents_are_commands_of_the_program() {
    let mut found = 0;
    let mut faults = Vec::new();
    for document in documents() {
        for (number, command) in commands(&document.lines()) {
            found += 1;
            if let Err(error) = Arguments::try_parse_from(&command) {
                let why = error.to_string();
                let why = why.lines().next().unwrap_or_default();
                faults.push(format!("{}:{number}: {}: {why}", document.path, command.join(" ")));
            }
        }
    }
    assert!(found > 20, "only {found} commands: the check would prove nothing");
    assert_none("commands", &faults);
}

#[test]
fn commands_are_found_behind_pipes_and_before_redirections() {
    let code = [
        (1, "ffmpeg -i x - | tympan run --source stdin:s16le:48000:1   # raw"),
        (2, "sudo tympan status >/dev/null"),
        (3, "tympan train --licence 'CC BY 4.0' \\"),
        (4, "  --out m"),
        (5, "11:03 tympan is no command here"),
    ];
    let mut lines = code
        .map(|(number, text)| Line { number, text, is_code: true })
        .into_iter()
        .collect::<Vec<_>>();
    lines.push(Line { number: 6, text: "tympan is a word of a sentence", is_code: false });
    let expected = [
        (1, vec!["tympan", "run", "--source", "stdin:s16le:48000:1"]),
        (2, vec!["tympan", "status"]),
        (4, vec!["tympan", "train", "--licence", "CC BY 4.0", "--out", "m"]),
    ];
    let expected = expected
        .map(|(line, words)| (line, words.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    assert_eq!(commands(&lines), expected);
}
