//! A Rust file as the checks see it: its lines, the same lines with comments and literals blanked out, and which of them
//! are compiled for tests alone. Expects what rustfmt leaves.

/// A file under check.
pub(super) struct RustFile {
    /// From the repository's root, with `/`.
    pub path: String,
    /// As written.
    pub lines: Vec<String>,
    /// Blanks in place of comments, and of what is between the quotes of literals. As many lines, as many characters.
    pub code: Vec<String>,
    /// Whether a line is within an item under `#[cfg(test)]`, or the whole file is a test.
    pub in_test: Vec<bool>,
}

impl RustFile {
    pub fn new(path: &str, text: &str) -> Self {
        let code: Vec<String> = blanked(text).lines().map(str::to_owned).collect();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(code.len(), lines.len(), "{path}");
        let whole = path.starts_with("tests/") || path.ends_with("/tests.rs");
        let in_test = if whole { vec![true; code.len()] } else { test_lines(&code) };
        Self { path: path.to_owned(), lines, code, in_test }
    }

    pub fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// `path:line: what`, lines counted from 1.
    pub fn fault(&self, index: usize, what: impl AsRef<str>) -> String {
        format!("{}:{}: {}", self.path, index + 1, what.as_ref())
    }

    /// Lines of code outside tests.
    pub fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.iter().map(String::as_str).enumerate().filter(|&(index, _)| !self.in_test[index])
    }
}

/// Whether `word` stands in `line` as a word of its own.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn test_lines(code: &[String]) -> Vec<bool> {
    let mut in_test = vec![false; code.len()];
    let mut index = 0;
    while index < code.len() {
        if code[index].trim() != "#[cfg(test)]" {
            index += 1;
            continue;
        }
        // up to the brace that closes the item, or the semicolon of one without braces
        let mut depth = 0;
        while index < code.len() {
            let line = code[index].trim_end();
            let count = |brackets: [char; 3]| line.matches(brackets).count() as i32;
            depth += count(['(', '[', '{']) - count([')', ']', '}']);
            if depth < 0 {
                break;
            }
            in_test[index] = true;
            index += 1;
            if depth == 0 && line.ends_with(['}', ';']) {
                break;
            }
        }
    }
    in_test
}

/// `text` with comments and the contents of literals blanked out; line ends stay.
fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, keep) = token(&chars, at);
        for (offset, &c) in chars[at..end].iter().enumerate() {
            let edge = keep.is_some_and(|edge| offset < edge || at + offset + edge >= end);
            out.push(if c == '\n' || edge { c } else { ' ' });
        }
        at = end;
    }
    out
}

/// Where the token at `at` ends, and how much of both its ends is code; `None` for a comment, of which nothing is.
fn token(chars: &[char], at: usize) -> (usize, Option<usize>) {
    let next = chars.get(at + 1).copied();
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next == Some('/') => (find(chars, at, |rest| rest[0] == '\n'), None),
        '/' if next == Some('*') => (block_comment_end(chars, at), None),
        '"' => (quoted_end(chars, at, '"'), Some(1)),
        'r' if !in_word && matches!(next, Some('"' | '#')) => raw_string(chars, at),
        '\'' if next == Some('\\') || chars.get(at + 2) == Some(&'\'') => {
            (quoted_end(chars, at, '\''), Some(1))
        }
        _ => (at + 1, Some(1)),
    }
}

fn find(chars: &[char], from: usize, is_there: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|&at| is_there(&chars[at..])).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut end = at;
    while end < chars.len() {
        match (chars[end], chars.get(end + 1)) {
            ('/', Some('*')) => (depth, end) = (depth + 1, end + 2),
            ('*', Some('/')) => (depth, end) = (depth - 1, end + 2),
            _ => end += 1,
        }
        if depth == 0 {
            break;
        }
    }
    end
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut end = at + 1;
    while end < chars.len() && chars[end] != quote {
        end += if chars[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(chars.len())
}

fn raw_string(chars: &[char], at: usize) -> (usize, Option<usize>) {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return (at + 1, Some(1));
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let end = find(chars, at + 2 + hashes, |rest| rest.starts_with(&close)) + close.len();
    (end.min(chars.len()), Some(1))
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "let a = \"x // {\"; // b {\nlet c = '{'; /* d\n{ /* */ */ let e: &'a str = r#\"\"{\"#;\nlet g = b'\\'';";
    let expected = "let a = \"      \";\nlet c = ' ';\n let e: &'a str = r\"\";\nlet g = b'  ';";
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let code = blanked(text);
    assert!(!code.contains('{') && !code.contains("b {") && code.contains("let e"), "{code}");
    assert_eq!(code.chars().count(), text.chars().count());
    assert!(squeezed(expected).starts_with("let a") && squeezed(&code).ends_with("let g = b' ';"));
}

#[test]
fn what_is_for_tests_alone_is_distinguished_from_what_ships() {
    let text = "fn a() {}\n#[cfg(test)]\nuse x;\nfn b() {}\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\nfn d() {}";
    let file = RustFile::new("src/a.rs", text);
    assert_eq!(file.in_test, [false, true, true, false, true, true, true, true, false]);
    assert!(RustFile::new("tests/it/a.rs", text).in_test.iter().all(|&in_test| in_test));
}
