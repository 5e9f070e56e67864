//! Imports point down only: the layer table, and who may name libtorch.

use std::fs;

use super::imports::imports;
use super::rust_file::{RustFile, has_word};
use super::{assert_finds, assert_none, check, files_below, root, rust_files};

/// A folder's layer. Folders of one layer do not import each other.
const LAYERS: [(&str, u8); 24] = [
    ("domain", 0),
    ("files", 0),
    ("dsp", 1),
    ("programs", 1),
    ("protocol", 1),
    ("features", 2),
    ("recognition", 2),
    ("watch", 2),
    ("sources", 3),
    ("sinks", 3),
    ("model", 4),
    ("live", 5),
    ("offline", 5),
    ("torch", 5),
    ("benchmark", 6),
    ("doctor", 6),
    ("evaluation", 6),
    ("plots", 6),
    ("testing", 6),
    ("training", 7),
    ("config", 7),
    ("report", 7),
    ("assembly", 8),
    ("cli", 9),
];

/// The only folders that know libtorch.
const TORCH: [&str; 2] = ["src/torch", "src/training"];

fn layer_of(folder: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == folder).map(|&(_, layer)| layer)
}

/// The folder of `src` that a file belongs to: of `src/sinks/socket/server.rs` it is `sinks`.
fn folder_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    let name = rest.split_once('/').map_or(rest, |(folder, _)| folder);
    Some(name.strip_suffix(".rs").unwrap_or(name))
}

fn upward_imports(file: &RustFile) -> Vec<String> {
    let Some(folder) = folder_of(&file.path).filter(|folder| !matches!(*folder, "lib" | "main"))
    else {
        return Vec::new();
    };
    let Some(layer) = layer_of(folder) else {
        return vec![file.fault(0, format!("{folder} is in no layer; add it to the table here"))];
    };
    let mut faults = Vec::new();
    for import in imports(file) {
        let Some(named) = import.path.first().filter(|named| *named != folder) else { continue };
        let Some(other) = layer_of(named).filter(|&other| other >= layer) else { continue };
        let what = format!(
            "{folder} (layer {layer}) imports {named} (layer {other}); imports point down only: \
             move what both need into a layer below, or pass it in from above"
        );
        faults.push(file.fault(import.line, what));
    }
    faults
}

fn torch_elsewhere(file: &RustFile) -> Vec<String> {
    if !file.is_in("src") || TORCH.iter().any(|folder| file.is_in(folder)) {
        return Vec::new();
    }
    let names_torch = |line: &str| has_word(line, "tch") || has_word(line, "torch_sys");
    let lines = file.code.iter().enumerate().filter(|(_, line)| names_torch(line));
    let what = "names tch; only torch/ and training/ do: go through their types";
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
    let declared: Vec<String> = lib
        .code
        .iter()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    let faults: Vec<String> = declared
        .iter()
        .filter(|name| layer_of(name).is_none())
        .map(|name| format!("src/lib.rs: {name} is in no layer; add it to the table"))
        .collect();
    assert_none("layers", &faults);
    assert!(declared.iter().any(|name| name == "domain"), "{declared:?}");
}

/// The rows of a table of layers: of `| 3 | `sources`, `sinks` |` the number and the text behind it.
fn rows(text: &str) -> impl Iterator<Item = (u8, &str)> {
    text.lines().filter_map(|line| {
        let (layer, modules) =
            line.trim_start_matches("//!").trim().strip_prefix("| ")?.split_once(" | ")?;
        Some((layer.parse().ok()?, modules))
    })
}

#[test]
fn the_documents_list_the_same_layers() {
    for (path, text) in [
        ("src/lib.rs", fs::read_to_string(root().join("src/lib.rs")).unwrap()),
        ("docs/ARCHITECTURE.md", fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap()),
    ] {
        let is_listed = |folder: &str, layer: u8| {
            let name = format!("`{folder}`");
            rows(&text).any(|(number, modules)| number == layer && modules.contains(&name))
        };
        let missing = LAYERS.iter().filter(|(folder, layer)| !is_listed(folder, *layer));
        let faults: Vec<String> = missing
            .map(|(folder, layer)| format!("{path}: {folder} is not in its row, {layer}"))
            .collect();
        assert_none("layers in documents", &faults);
    }
}

#[test]
fn every_folder_s_door_names_its_layer() {
    let mut faults = Vec::new();
    for (folder, layer) in LAYERS {
        let path = format!("src/{folder}/mod.rs");
        let door = fs::read_to_string(root().join(&path)).unwrap();
        if !door.starts_with(&format!("//! Layer {layer}: ")) {
            faults.push(format!("{path}:1: it does not begin with \"Layer {layer}: \""));
        }
    }
    assert_none("layers at the doors", &faults);
}

#[test]
fn an_import_upwards_or_sideways_is_found() {
    let text = "//! X.\nuse crate::domain::Record;\nuse crate::sources::Source;\nuse crate::live::Stage;\n\
                use super::{LineFormat, SinkError};\nuse super::super::cli::Run;\n\
                use crate::{domain::{Clip, sinks}, recognition::Scorer,\n    config::File,\n};\n\
                // crate::live is named, not imported\nfn f(x: crate::config::Config) {}\n";
    assert_finds(upward_imports, "src/sinks/stdout.rs", text, &[3, 4, 6, 7, 11]);
    assert_finds(upward_imports, "src/main.rs", text, &[]);
}

#[test]
fn a_folder_without_a_layer_and_a_stray_tch_are_found() {
    assert_finds(upward_imports, "src/extras/stdout.rs", "//! X.\n", &[1]);
    let text = "//! tch\nuse tch::Tensor;\nlet batch = 1;\n";
    assert_finds(torch_elsewhere, "src/live/stage.rs", text, &[2]);
    assert_finds(torch_elsewhere, "src/model/cnn.rs", text, &[2]);
    assert_finds(torch_elsewhere, "src/torch/cnn.rs", text, &[]);
}
