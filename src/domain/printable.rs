//! Text from outside made fit for a terminal and for a log: without characters that would steer the terminal, break the line or
//! change the order in which the rest is read. Called wherever tympan prints.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character steers a terminal or rearranges the text around it: control characters (C0, C1, delete), the line and
/// paragraph separators, the marks of bidirectional text, and the invisible tags.
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// One line of text: every steering character, line breaks included, becomes a space.
pub fn printable(text: &str) -> Cow<'_, str> {
    masked(text, |character| is_steering(character).then_some(' '))
}

/// Lines and columns that tympan laid out itself: as [`printable`], but line feeds and tabs stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    masked(text, |character| {
        (is_steering(character) && !matches!(character, '\n' | '\t')).then_some(' ')
    })
}

/// JSON with steering characters escaped; line feeds between its tokens stay. Such characters can only stand inside strings,
/// so programs read the same text as before.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(|character| is_steering(character) && character != '\n') {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_steering(character) && character != '\n' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // writing to a string never fails
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

fn masked(text: &str, replacement: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if text.chars().all(|character| replacement(character).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|character| replacement(character).unwrap_or(character)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_becomes_a_space_and_other_scripts_stay() {
        assert_eq!(printable("\u{1b}]0;owned\u{7}mic\u{9b}31m\r\n"), " ]0;owned mic 31m  ");
        assert_eq!(printable("a\u{202e}cba\u{2066}\u{200f}"), "a cba  ");
        assert_eq!(printable_lines("one\ntwo\u{1b}"), "one\ntwo ");
        assert!(matches!(printable("Mikrofon – микрофон – 麦克风 – مايك"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_holds_the_same_text_without_the_characters_themselves() {
        let text = "a\u{202e}b\u{7f}\u{e0001}\u{9b}";
        let json = serde_json::to_string_pretty(&serde_json::json!({ "name": text })).unwrap();
        let shown = printable_json(&json);
        assert!(shown.chars().all(|character| character == '\n' || !is_steering(character)));
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read["name"], text);
    }
}
