//! The tables of networks in docs/MODELS.md are those of the networks: each is made again from the sizes and looked for.

use std::path::Path;

use tympan::features::WindowSpec;
use tympan::model::{NetworkKind, NetworkSpec};

const LABELS: i64 = 50;

/// Bands and windows that the standard sizes were chosen for.
fn input_of(network: &NetworkSpec) -> (i64, WindowSpec) {
    let kind = network.kind();
    (kind.standard_front_end().unwrap().mel_bands as i64, kind.standard_window())
}

/// `12345678` as `12,345,678`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The table of one network, layer by layer.
fn table(network: &NetworkSpec) -> String {
    let mut text = String::from(
        "| layer | output | parameters | multiply-adds, window | multiply-adds, hop |\n|---|---|--:|--:|--:|\n",
    );
    let mut row = |name: &str, output: &str, numbers: [i64; 3]| {
        let [parameters, window, hop] = numbers.map(grouped);
        text += &format!("| {name} | {output} | {parameters} | {window} | {hop} |\n");
    };
    let (bands, window) = input_of(network);
    for layer in network.layers(bands, window, LABELS) {
        let output: Vec<String> = layer.output.iter().map(i64::to_string).collect();
        let numbers = [layer.parameters, layer.multiply_adds, layer.multiply_adds_per_hop];
        row(&format!("`{}`", layer.name), &output.join(" × "), numbers);
    }
    row("all", "–", totals(network));
    text
}

fn totals(network: &NetworkSpec) -> [i64; 3] {
    let (bands, window) = input_of(network);
    [
        network.parameters(bands, LABELS),
        network.multiply_adds(bands, window.frames, LABELS),
        network.multiply_adds_per_hop(bands, window, LABELS),
    ]
}

#[test]
fn the_tables_in_the_document_are_those_of_the_networks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/MODELS.md");
    let document = std::fs::read_to_string(path).unwrap();
    for kind in NetworkKind::ALL {
        let network = NetworkSpec::standard(kind);
        let section = document.split(&format!("### {kind}\n")).nth(1).unwrap_or_default();
        let section = section.split("\n##").next().unwrap_or_default();
        let table = table(&network);
        assert!(section.contains(&table), "in docs/MODELS.md, under {kind}, stands not:\n{table}");
        let [parameters, window, hop] = totals(&network).map(grouped);
        let row = format!("| `{kind}` | {parameters} | {window} | {hop} |");
        assert!(document.contains(&row), "docs/MODELS.md has no row {row}");
        assert!(document.contains(&format!("`{network}`")), "docs/MODELS.md lacks: {network}");
    }
}
