//! As much of Markdown as the checks of documents need: lines, fenced code, headings, links.

use std::fs;
use std::path::Path;

use super::root;

/// A Markdown file.
pub struct Document {
    /// From the root of the repository.
    pub path: String,
    pub text: String,
}

/// A line of a document.
pub struct Line<'a> {
    /// Counted from 1.
    pub number: usize,
    pub text: &'a str,
    /// Whether it stands in a fenced block of code.
    pub is_code: bool,
}

/// A link to a file or a heading of the repository.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    /// Counted from 1.
    pub line: usize,
    /// Empty for a heading of the same document.
    pub file: String,
    pub anchor: Option<String>,
}

impl Document {
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap();
        Self { path: path.to_str().unwrap().to_owned(), text }
    }

    /// Every line but the fences of blocks of code.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let mut is_code = false;
        let mut lines = Vec::new();
        for (index, text) in self.text.lines().enumerate() {
            if text.trim_start().starts_with("```") {
                is_code = !is_code;
            } else {
                lines.push(Line { number: index + 1, text, is_code });
            }
        }
        lines
    }

    /// The lines outside of blocks of code.
    pub fn prose(&self) -> Vec<Line<'_>> {
        self.lines().into_iter().filter(|line| !line.is_code).collect()
    }

    /// Links to places in the repository.
    pub fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        for line in self.prose() {
            for (at, open) in line.text.match_indices("](") {
                let rest = &line.text[at + open.len()..];
                let target = rest.split([' ', ')']).next().unwrap_or_default();
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (file, anchor) = match target.split_once('#') {
                    Some((file, anchor)) => (file, Some(anchor.to_owned())),
                    None => (target, None),
                };
                links.push(Link { line: line.number, file: file.to_owned(), anchor });
            }
        }
        links
    }

    /// The names by which links reach the headings, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for line in self.prose() {
            let title = line.text.trim_start_matches('#');
            if title.len() == line.text.len() || !title.starts_with(' ') {
                continue;
            }
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            let plain: String = title.trim().to_lowercase().chars().filter(kept).collect();
            let anchor = plain.replace(' ', "-");
            let before = |other: &&String| {
                other.strip_prefix(&*anchor).is_some_and(|rest| {
                    rest.is_empty() || rest[1..].parse::<u32>().is_ok_and(|_| rest.starts_with('-'))
                })
            };
            match anchors.iter().filter(before).count() {
                0 => anchors.push(anchor),
                count => anchors.push(format!("{anchor}-{count}")),
            }
        }
        anchors
    }
}

#[test]
fn links_and_headings_are_found_and_code_is_left_out() {
    let text = "# A b\n[a](docs/A.md#b-c), [c](https://x.y/z) ![d](d.svg \"D\")\n```\n[e](f)\n# no\n```\n[g](#h)\n\
                ## [clips] and `x_y`\n## A b\n";
    let document = Document { path: "x.md".to_owned(), text: text.to_owned() };
    let link = |line, file: &str, anchor: Option<&str>| Link {
        line,
        file: file.to_owned(),
        anchor: anchor.map(str::to_owned),
    };
    let expected =
        [link(2, "docs/A.md", Some("b-c")), link(2, "d.svg", None), link(7, "", Some("h"))];
    assert_eq!(document.links(), expected);
    assert_eq!(document.anchors(), ["a-b", "clips-and-x_y", "a-b-1"]);
}
