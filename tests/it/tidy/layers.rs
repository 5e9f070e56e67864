//! Imports point down only: the layer table, and who may name libtorch.

use super::rust_file::{RustFile, has_word};
use super::{assert_finds, assert_none, check, files_below, rust_files};

/// A folder's layer. Folders of one layer do not import each other.
const LAYERS: [(&str, u8); 17] = [
    ("domain", 0),
    ("files", 0),
    ("dsp", 1),
    ("protocol", 1),
    ("features", 2),
    ("recognition", 2),
    ("sources", 3),
    ("sinks", 3),
    ("model", 4),
    ("live", 5),
    ("offline", 5),
    ("evaluation", 6),
    ("training", 6),
    ("plots", 6),
    ("config", 7),
    ("report", 7),
    ("cli", 8),
];

/// The only folders that know libtorch.
const TORCH: [&str; 2] = ["src/model", "src/training"];

fn layer_of(folder: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == folder).map(|&(_, layer)| layer)
}

/// The folder of `src` that a file belongs to: of `src/sinks/socket/server.rs` it is `sinks`.
fn folder_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    let name = rest.split_once('/').map_or(rest, |(folder, _)| folder);
    Some(name.strip_suffix(".rs").unwrap_or(name))
}

/// Folders of `src` that a line of code names by an absolute path, or by one that climbs to the root.
fn folders_named(line: &str, following: &str, depth: usize) -> Vec<String> {
    let mut named = Vec::new();
    let mut note = |rest: &str| {
        if let Some(group) = rest.strip_prefix('{') {
            // the first word of each entry of the group, which may go on over the following lines
            let group = format!("{group}\n{following}");
            let mut level = 0usize;
            let mut entry = true;
            for part in group.split_inclusive(['{', '}', ',']) {
                if entry && level == 0 {
                    named.push(first_word(part.trim_start()));
                }
                entry = part.ends_with(',') && level == 0;
                level += usize::from(part.ends_with('{'));
                if part.ends_with('}') {
                    let Some(outer) = level.checked_sub(1) else { break };
                    level = outer;
                }
            }
        } else {
            named.push(first_word(rest));
        }
    };
    for (at, root) in line.match_indices("crate::") {
        note(&line[at + root.len()..]);
    }
    let climb = "super::".repeat(depth.max(1));
    for (at, _) in line.match_indices(&climb) {
        note(line[at + climb.len()..].trim_start_matches("super::"));
    }
    named
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn upward_imports(file: &RustFile) -> Vec<String> {
    let Some(folder) = folder_of(&file.path).filter(|folder| !matches!(*folder, "lib" | "main"))
    else {
        return Vec::new();
    };
    let Some(layer) = layer_of(folder) else {
        return vec![file.fault(0, format!("{folder} is in no layer; add it to the table here"))];
    };
    // modules between the file and the root; `mod.rs` is the folder itself
    let depth = file.path.matches('/').count() - usize::from(file.path.ends_with("/mod.rs"));
    let mut faults = Vec::new();
    for (index, line) in file.code.iter().enumerate() {
        let following = file.code[index + 1..].join("\n");
        for named in folders_named(line, &following, depth) {
            let Some(other) = layer_of(&named) else { continue };
            if named != folder && other >= layer {
                let what = format!(
                    "{folder} (layer {layer}) imports {named} (layer {other}); imports point down only: \
                     move what both need into a layer below, or pass it in from above"
                );
                faults.push(file.fault(index, what));
            }
        }
    }
    faults
}

fn torch_elsewhere(file: &RustFile) -> Vec<String> {
    if !file.is_in("src") || TORCH.iter().any(|folder| file.is_in(folder)) {
        return Vec::new();
    }
    let names_torch = |line: &str| has_word(line, "tch") || has_word(line, "torch_sys");
    let lines = file.code.iter().enumerate().filter(|(_, line)| names_torch(line));
    let what = "names tch; only model/ and training/ do: go through their types";
    lines.map(|(index, _)| file.fault(index, what)).collect()
}

#[test]
fn imports_point_down_only() {
    check("layers", upward_imports);
}

#[test]
fn every_folder_of_src_has_a_layer() {
    let faults: Vec<String> = files_below("src")
        .iter()
        .filter(|path| path.matches('/').count() > 1)
        .filter(|path| folder_of(path).and_then(layer_of).is_none())
        .map(|path| format!("{path}: its folder is in no layer; add it to the table"))
        .collect();
    assert_none("layers", &faults);
}

#[test]
fn only_the_model_and_its_training_know_libtorch() {
    check("libtorch", torch_elsewhere);
}

#[test]
fn lib_declares_every_folder_and_no_other() {
    let files = rust_files();
    let lib = files.iter().find(|file| file.path == "src/lib.rs").unwrap();
    let declared: Vec<String> =
        lib.code.iter().filter_map(|line| line.strip_prefix("pub mod ")).map(first_word).collect();
    let faults: Vec<String> = declared
        .iter()
        .filter(|name| layer_of(name).is_none())
        .map(|name| format!("src/lib.rs: {name} is in no layer; add it to the table"))
        .collect();
    assert_none("layers", &faults);
    assert!(declared.iter().any(|name| name == "domain"), "{declared:?}");
}

#[test]
fn an_import_upwards_or_sideways_is_found() {
    let text = "//! X.\nuse crate::domain::Record;\nuse crate::sources::Source;\nuse crate::live::Stage;\n\
                use super::{LineFormat, SinkError};\nuse super::super::cli::Run;\n\
                use crate::{domain::{Clip, sinks}, recognition::Scorer,\n    config::File,\n};\n\
                // crate::live is told, not imported\nfn f(x: crate::config::Config) {}\n";
    assert_finds(upward_imports, "src/sinks/stdout.rs", text, &[3, 4, 6, 7, 11]);
    assert_finds(upward_imports, "src/main.rs", text, &[]);
}

#[test]
fn a_folder_without_a_layer_and_a_stray_tch_are_found() {
    assert_finds(upward_imports, "src/extras/stdout.rs", "//! X.\n", &[1]);
    let text = "//! tch\nuse tch::Tensor;\nlet batch = 1;\n";
    assert_finds(torch_elsewhere, "src/live/stage.rs", text, &[2]);
    assert_finds(torch_elsewhere, "src/model/cnn.rs", text, &[]);
}
