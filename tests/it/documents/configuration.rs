//! docs/CONFIGURATION.md is config.toml as a page. `TYMPAN_WRITE=1` writes it anew.

use std::fmt::Write as _;
use std::{env, fs};

use tympan::config::Config;

use super::{assert_none, root};

const PAGE: &str = "docs/CONFIGURATION.md";

const HOW_TO_WRITE: &str =
    "TYMPAN_WRITE=1 cargo test --no-default-features --test it documents::configuration";

/// One key of config.toml.
#[derive(Debug, PartialEq)]
struct Key {
    name: String,
    /// None for an optional key, whose value in the file is an example.
    default: Option<String>,
    meaning: String,
}

/// A `[section]`, or the keys above the first one, which have no name.
#[derive(Debug, Default, PartialEq)]
struct Section {
    name: String,
    meaning: String,
    keys: Vec<Key>,
}

/// The introduction, a paragraph a string, and the sections. A comment describes the key or the section that follows it.
fn parse(text: &str) -> (Vec<String>, Vec<Section>) {
    let mut introduction = Vec::new();
    let mut sections = vec![Section::default()];
    let mut comment = String::new();
    for line in text.lines() {
        let is_optional = line.starts_with('#') && !line.starts_with("# ") && line != "#";
        let setting = if is_optional { &line[1..] } else { line };
        if line.starts_with("# ---") {
            comment.clear();
        } else if let Some(words) = line.strip_prefix("# ") {
            let space = if comment.is_empty() { "" } else { " " };
            comment = format!("{comment}{space}{words}");
        } else if line == "#" || line.is_empty() {
            // the first comments belong to the file
            if sections.len() == 1 && sections[0].keys.is_empty() && !comment.is_empty() {
                introduction.push(std::mem::take(&mut comment));
            }
        } else if let Some(name) = setting.strip_prefix('[') {
            let name = name.strip_suffix(']').expect("the end of a section's name");
            let is_example = is_optional && !name.starts_with('[');
            let name = if is_example { name_of_optional(name) } else { name.to_owned() };
            sections.push(Section {
                name,
                meaning: std::mem::take(&mut comment),
                keys: Vec::new(),
            });
        } else {
            let (name, value) = setting.split_once(" = ").expect("a line that sets a key");
            let default = (!is_optional).then(|| value.to_owned());
            let meaning = std::mem::take(&mut comment);
            let key = Key { name: name.to_owned(), default, meaning };
            sections.last_mut().unwrap().keys.push(key);
        }
    }
    (introduction, sections)
}

/// The last part of an optional section's name is an example.
fn name_of_optional(name: &str) -> String {
    let (parent, _) = name.rsplit_once('.').expect("an optional section below another");
    format!("{parent}.NAME")
}

/// The unit that a key's name gives.
fn unit(name: &str) -> &'static str {
    const UNITS: [(&str, &str); 7] = [
        ("_ms", "ms"),
        ("_s", "s"),
        ("_hours", "h"),
        ("_days", "days"),
        ("_mb", "MB"),
        ("_dbfs", "dBFS"),
        ("rate", "Hz"),
    ];
    UNITS.into_iter().find(|(ending, _)| name.ends_with(ending)).map_or("", |(_, unit)| unit)
}

fn page(text: &str) -> String {
    let (introduction, sections) = parse(text);
    let mut page = format!(
        "# Configuration\n\n<!-- Made from config.toml. To write it anew: {HOW_TO_WRITE} -->\n\n"
    );
    for paragraph in introduction {
        let paragraph = paragraph.replace("config.toml", "[config.toml](../config.toml)");
        let _ = writeln!(page, "{paragraph}\n");
    }
    page.push_str(
        "`tympan run --config FILE` takes a configuration. [OPERATIONS.md](OPERATIONS.md#reload) says which keys a \
         reload changes.\n",
    );
    for section in sections {
        match section.name.as_str() {
            "" => page.push_str("\n## Top level\n"),
            name => {
                let _ = writeln!(page, "\n## [{name}]");
            }
        }
        if !section.meaning.is_empty() {
            let _ = writeln!(page, "\n{}", section.meaning);
        }
        if !section.keys.is_empty() {
            page.push_str("\n| key | default | unit | meaning |\n|---|---|---|---|\n");
        }
        for Key { name, default, meaning } in section.keys {
            let default = default.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
            let unit = unit(&name);
            let _ = writeln!(page, "| `{name}` | {default} | {unit} | {meaning} |");
        }
    }
    page
}

#[test]
fn the_page_of_the_configuration_says_what_config_toml_says() {
    let page = page(Config::built_in_text());
    let path = root().join(PAGE);
    if env::var_os("TYMPAN_WRITE").is_some_and(|write| write == "1") {
        fs::write(path, page).unwrap();
        return;
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    let differs = written.lines().zip(page.lines()).position(|(written, page)| written != page);
    let at = differs.unwrap_or_else(|| written.lines().count().min(page.lines().count())) + 1;
    assert!(
        written == page,
        "{PAGE}:{at}: differs from config.toml; write it anew: {HOW_TO_WRITE}"
    );
}

#[test]
fn every_key_and_every_optional_section_of_config_toml_is_described() {
    let (introduction, sections) = parse(Config::built_in_text());
    assert!(!introduction.is_empty() && sections.len() > 10, "{introduction:?} {sections:?}");
    let keys =
        sections.iter().flat_map(|section| section.keys.iter().map(move |key| (section, key)));
    let faults: Vec<String> = keys
        .filter(|(_, key)| key.meaning.is_empty())
        .map(|(section, key)| {
            format!("config.toml: [{}] {} has no comment", section.name, key.name)
        })
        .collect();
    assert_none("keys of config.toml", &faults);
}

#[test]
fn every_optional_line_of_config_toml_is_a_setting_that_tympan_takes() {
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<String> = Config::built_in_text().lines().map(uncommented).collect();
    let problems = Config::from_str("config.toml", &text.join("\n")).unwrap_err();
    // each of the two takes the place of the other
    let others: Vec<_> = problems.0.iter().filter(|problem| problem.key != "source").collect();
    assert!(others.is_empty() && problems.to_string().contains("[[input]]"), "{problems}");
}

#[test]
fn comments_belong_to_the_key_or_section_that_follows_them() {
    let text = "# A file.\n# Whole.\n#\n# More.\n\n# One.\nmodel = \"m\"\n\n# -----\n# Kept.\n[clips]\n# Long,\n# in ms.\n\
                #wait_ms = 3\n\n#[clips.labels.dog]\n# Low.\n#on = 0.5\n";
    let key = |name: &str, default: Option<&str>, meaning: &str| Key {
        name: name.to_owned(),
        default: default.map(str::to_owned),
        meaning: meaning.to_owned(),
    };
    let section = |name: &str, meaning: &str, keys: Vec<Key>| Section {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        keys,
    };
    let (introduction, sections) = parse(text);
    assert_eq!(introduction, ["A file. Whole.", "More."]);
    let expected = [
        section("", "", vec![key("model", Some("\"m\""), "One.")]),
        section("clips", "Kept.", vec![key("wait_ms", None, "Long, in ms.")]),
        section("clips.labels.NAME", "", vec![key("on", None, "Low.")]),
    ];
    assert_eq!(sections, expected);
    assert!(page(text).contains("| `wait_ms` | none | ms | Long, in ms. |"), "{}", page(text));
}
