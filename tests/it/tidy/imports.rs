//! What a file of `src` imports from the package itself: every path of its `use` lines and of its code that begins at the root
//! or climbs, from the root on; and the file in which such a path ends, through the re-exports of the folders' doors.

use std::collections::BTreeMap;

use super::rust_file::RustFile;

/// A module's path from the root, or that of something in it.
pub(super) type Path = Vec<String>;

/// A path that a file names.
pub(super) struct Import {
    /// Index of the line it begins on.
    pub line: usize,
    pub path: Path,
}

/// The module that a file of `src` is: of `src/sinks/socket/server.rs` it is `sinks::socket::server`.
pub(super) fn module_of(path: &str) -> Path {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = path.split('/').filter(|part| !matches!(*part, "mod" | "lib"));
    parts.map(str::to_owned).collect()
}

/// Everything of the package that a file names.
pub(super) fn imports(file: &RustFile) -> Vec<Import> {
    let module = module_of(&file.path);
    let code = file.code.join("\n");
    let mut found = Vec::new();
    let mut note = |at: usize, path: Path| {
        if let Some(path) = from_root(&module, &path) {
            found.push(Import { line: code[..at].matches('\n').count(), path });
        }
    };
    let mut rest = code.clone();
    for (at, _) in code.match_indices("use ") {
        let Some(length) = code[at..].find(';').filter(|_| begins_item(&code[..at])) else {
            continue;
        };
        for path in leaves(&code[at + "use ".len()..at + length]) {
            note(at, path.names);
        }
        rest.replace_range(at..at + length, &" ".repeat(length));
    }
    for root in ["crate::", "super::"] {
        for (at, _) in rest.match_indices(root) {
            let path = rest[at..].split(|c: char| !is_part(c) && c != ':').next().unwrap_or("");
            let before = rest[..at].chars().next_back();
            // the climb in the middle of a path is part of it
            if !before.is_some_and(|c| is_part(c) || c == ':') {
                note(at, path.split("::").map(str::to_owned).collect());
            }
        }
    }
    found.sort_by_key(|import| import.line);
    found
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a `use` after this text is a declaration of its own.
fn begins_item(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or(before).trim();
    // not the end of a longer word, as in `pub enum GapCause {`
    line.is_empty() || line == "pub" || line.starts_with("pub(") && line.ends_with(')')
}

/// The path from the root on of one as it is written in `module`; none if it leads out of the package.
fn from_root(module: &[String], path: &[String]) -> Option<Path> {
    let mut root = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => module.to_vec(),
        _ => return None,
    };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(root.pop()),
            name => root.push(name.to_owned()),
        }
    }
    Some(root)
}

/// A path that a `use` names, and what it is called from there on.
struct Leaf {
    names: Path,
    called: String,
}

/// What `a::{b, c::{d, e as f}}` names.
fn leaves(tree: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut begun = 0;
    for (at, c) in tree.char_indices().chain([(tree.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.extend(branch(tree[begun..at].trim()));
                begun = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn branch(text: &str) -> Vec<Leaf> {
    let parts = |path: &str| -> Path {
        path.split("::").map(|part| part.trim().to_owned()).filter(|it| !it.is_empty()).collect()
    };
    if let Some((stem, group)) = text.split_once('{') {
        let stem = parts(stem);
        let whole = |leaf: Leaf| Leaf { names: [&stem[..], &leaf.names].concat(), ..leaf };
        return leaves(group.strip_suffix('}').unwrap_or(group)).into_iter().map(whole).collect();
    }
    let (path, name) = text.split_once(" as ").unwrap_or((text, ""));
    let names = parts(path);
    let own = names.iter().rfind(|name| *name != "self").cloned().unwrap_or_default();
    let called = if name.is_empty() { own } else { name.trim().to_owned() };
    if names.is_empty() { Vec::new() } else { vec![Leaf { names, called }] }
}

/// The modules of `src` and what their doors pass on.
pub(super) struct Modules {
    /// The file of each module.
    files: BTreeMap<Path, String>,
    /// What each module re-exports: by its name there, the path it comes from.
    passed_on: BTreeMap<Path, BTreeMap<String, Path>>,
}

impl Modules {
    pub fn of(files: &[RustFile]) -> Self {
        let mut modules = Self { files: BTreeMap::new(), passed_on: BTreeMap::new() };
        let in_src = files.iter().filter(|file| file.is_in("src") && file.path != "src/main.rs");
        for file in in_src.clone() {
            modules.files.insert(module_of(&file.path), file.path.clone());
        }
        for file in in_src {
            let module = module_of(&file.path);
            let code = file.code.join("\n");
            let mut passed_on = BTreeMap::new();
            for declaration in code.split(';').filter_map(|text| {
                let text = text.trim_start();
                let text = text
                    .rsplit_once('\n')
                    .filter(|_| text.starts_with('#'))
                    .map_or(text, |it| it.1);
                text.strip_prefix("pub")?.split_once("use ").map(|(_, tree)| tree)
            }) {
                for leaf in leaves(declaration) {
                    // a path without a root is that of a module beside the door
                    let names = from_root(&module, &leaf.names)
                        .unwrap_or_else(|| [&module[..], &leaf.names].concat());
                    passed_on.insert(leaf.called, names);
                }
            }
            modules.passed_on.insert(module, passed_on);
        }
        modules
    }

    /// The file in which what `path` names is defined.
    pub fn file_of(&self, path: &[String]) -> Option<&str> {
        let mut module: Path = Vec::new();
        let mut rest = path;
        while let [name, after @ ..] = rest {
            let deeper = [&module[..], std::slice::from_ref(name)].concat();
            if self.files.contains_key(&deeper) {
                (module, rest) = (deeper, after);
                continue;
            }
            return match self.passed_on.get(&module).and_then(|names| names.get(name)) {
                Some(source) if source[..] != *path => self.file_of(&[&source[..], after].concat()),
                _ => break,
            };
        }
        self.files.get(&module).map(String::as_str)
    }
}

#[test]
fn paths_are_followed_from_the_root_to_their_file() {
    let file = |path: &str, text: &str| RustFile::new(path, text);
    let server = "//! X.\nuse std::io;\npub use super::{Token, spec::{self, Spec as S}};\n\
                  use crate::domain;\nfn f(x: crate::domain::Clip) -> super::super::Sink {}\n";
    let files = [
        file("src/lib.rs", "pub mod domain;\npub mod sinks;\n"),
        file("src/domain/mod.rs", "mod clip;\n#[cfg(x)]\npub use clip::Clip;\n"),
        file("src/domain/clip.rs", ""),
        file("src/sinks/mod.rs", "mod sink;\nmod socket;\npub use sink::Sink;\n"),
        file("src/sinks/sink.rs", ""),
        file("src/sinks/socket/mod.rs", "mod spec;\nmod token;\npub use token::{Token, self};\n"),
        file("src/sinks/socket/spec.rs", ""),
        file("src/sinks/socket/token.rs", ""),
        file("src/sinks/socket/server.rs", server),
    ];
    let modules = Modules::of(&files);
    let found = imports(&files[8]);
    let found: Vec<(usize, &str)> =
        found.iter().map(|it| (it.line, modules.file_of(&it.path).unwrap())).collect();
    let expected = [
        (2, "src/sinks/socket/token.rs"),
        (2, "src/sinks/socket/spec.rs"),
        (2, "src/sinks/socket/spec.rs"),
        (3, "src/domain/mod.rs"),
        (4, "src/domain/clip.rs"),
        (4, "src/sinks/sink.rs"),
    ];
    assert_eq!(found, expected);
}
