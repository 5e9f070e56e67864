//! What a program says on its standard error: line by line into tympan's own log, without the passwords in it, and not more
//! than a person reads. Runs on the thread `tympan-stderr`, one a program.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::printable;

/// The rest of a longer line is left out.
const MAX_LINE_BYTES: usize = 400;

/// So many lines are logged in a span; a program that floods is told of, not repeated.
const LINES_A_SPAN: usize = 10;
const SPAN: Duration = Duration::from_secs(10);

/// The last line that a program wrote, for the report of its end.
#[derive(Debug, Clone, Default)]
pub struct LastLine(Arc<Mutex<String>>);

impl LastLine {
    /// The line; empty if there was none.
    pub fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, line: &str) {
        line.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Reads until the program's end; logs each line as one of `name`.
pub fn relay(name: &str, mut stderr: impl Read, last: &LastLine) {
    let mut budget = LineBudget::default();
    let mut line = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = match stderr.read(&mut chunk) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        for &byte in &chunk[..count] {
            // progress displays end their lines with a carriage return
            if matches!(byte, b'\n' | b'\r') {
                report(name, &mut line, &mut budget, last);
            } else if line.len() < MAX_LINE_BYTES {
                line.push(byte);
            }
        }
        if count == 0 {
            return report(name, &mut line, &mut budget, last);
        }
    }
}

fn report(name: &str, line: &mut Vec<u8>, budget: &mut LineBudget, last: &LastLine) {
    let text = String::from_utf8_lossy(line).into_owned();
    line.clear();
    let text = without_credentials(printable(&text).trim());
    if text.is_empty() {
        return;
    }
    last.set(&text);
    match budget.spend(Instant::now()) {
        None => {}
        Some(0) => log::warn!("{name}: {text}"),
        Some(left_out) => log::warn!("{name}: {text} (before that, {left_out} lines left out)"),
    }
}

/// How much of a flood is logged.
#[derive(Debug, Default)]
struct LineBudget {
    /// When the last lines were logged, within a span.
    logged: VecDeque<Instant>,
    left_out: u64,
}

impl LineBudget {
    /// Whether a line at `now` is logged; if so, how many before it were left out.
    fn spend(&mut self, now: Instant) -> Option<u64> {
        while self.logged.front().is_some_and(|then| now.saturating_duration_since(*then) >= SPAN) {
            self.logged.pop_front();
        }
        if self.logged.len() == LINES_A_SPAN {
            self.left_out += 1;
            return None;
        }
        self.logged.push_back(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

/// The keys of an address whose values are secrets.
const SECRET_KEYS: [&str; 7] =
    ["password=", "passwd=", "pwd=", "pass=", "token=", "secret=", "key="];

/// The text without the names and passwords of addresses in it: `rtsp://***@camera/audio`, `?token=***`.
///
/// ```
/// use tympan::programs::without_credentials;
///
/// assert_eq!(without_credentials("rtsp://me:pw@camera/a: 401"), "rtsp://***@camera/a: 401");
/// ```
pub fn without_credentials(text: &str) -> String {
    let mut struck = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let (before, after) = rest.split_at(scheme + "://".len());
        struck.push_str(before);
        // a password may hold an @ or a slash, written wrongly; rather too much is struck out than too little
        let address = after.find(is_end).unwrap_or(after.len());
        let at = after[..address].rfind('@');
        rest = match at {
            Some(at) => {
                struck.push_str("***");
                &after[at..]
            }
            None => after,
        };
    }
    struck.push_str(rest);
    without_secret_values(&struck)
}

fn is_end(character: char) -> bool {
    const QUOTES: &str = "\"'<>`";
    character.is_whitespace() || QUOTES.contains(character)
}

fn without_secret_values(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut struck = String::with_capacity(text.len());
    let mut from = 0;
    while from < text.len() {
        let found = SECRET_KEYS.iter().filter_map(|key| {
            let at = from + lower[from..].find(key)?;
            Some((at, at + key.len()))
        });
        let Some((_, value)) = found.min() else { break };
        let end = |it: char| is_end(it) || matches!(it, '&' | ',' | ';');
        let length = text[value..].find(end).unwrap_or(text.len() - value);
        struck.push_str(&text[from..value]);
        if length > 0 {
            struck.push_str("***");
        }
        from = value + length;
    }
    struck.push_str(&text[from..]);
    struck
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_of_addresses_are_struck_out_and_nothing_else() {
        let cases = [
            ("rtsp://u:p@h/a and http://v@w", "rtsp://***@h/a and http://***@w"),
            ("rtsp://u:p@ss/w@h:554/a", "rtsp://***@h:554/a"),
            ("\"rtsp://u:p@h\" failed", "\"rtsp://***@h\" failed"),
            ("rtsp://h/a?x=1&token=abc&y=2", "rtsp://h/a?x=1&token=***&y=2"),
            ("Password=geheim, next", "Password=***, next"),
            ("mail me@host, no address", "mail me@host, no address"),
            ("rtsp://h/a", "rtsp://h/a"),
            ("key=", "key="),
            ("ünï://ü:ö@ä/é", "ünï://***@ä/é"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_credentials(text), expected);
        }
    }

    #[test]
    fn a_flood_of_lines_is_counted_and_not_repeated() {
        let (mut budget, began) = (LineBudget::default(), Instant::now());
        let logged = (0..1000).filter(|_| budget.spend(began).is_some()).count();
        assert_eq!(logged, LINES_A_SPAN);
        assert_eq!(budget.spend(began + SPAN), Some(990));
        assert_eq!(budget.spend(began + SPAN), Some(0));
    }

    #[test]
    fn the_last_line_is_kept_for_the_report_however_it_ends_and_however_long_it_is() {
        for (written, kept) in [
            ("one\ntwo\n", "two".to_owned()),
            ("one\r\ntwo", "two".to_owned()),
            ("frame=1\rframe=2\r\n\n", "frame=2".to_owned()),
            ("rtsp://a:b@c\n", "rtsp://***@c".to_owned()),
            (&"x".repeat(100_000), "x".repeat(MAX_LINE_BYTES)),
        ] {
            let last = LastLine::default();
            relay("camera", written.as_bytes(), &last);
            assert_eq!(last.get(), kept);
        }
    }
}
