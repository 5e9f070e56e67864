//! One table of a configuration file, read key by key. Driven by `resolve`; what it finds wrong goes into `Diagnostics`; main
//! thread.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigProblem;
use super::position::{Places, join, place_path};
use crate::domain::nearest;

/// The faults and the keys found so far in a file.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    pub file: String,
    pub places: Places,
    pub problems: Vec<ConfigProblem>,
    /// Every path that was asked for.
    known: Vec<String>,
    /// Paths in the file that nobody asked for: the section's path and the key.
    unknown: Vec<(String, String)>,
}

impl Diagnostics {
    /// Nothing found yet in `file`, whose keys stand at `places`.
    pub fn new(file: &str, places: Places) -> Self {
        Self { file: file.to_owned(), places, ..Self::default() }
    }

    /// The path of every key that was asked for, whether or not the file has it.
    #[cfg(test)]
    pub fn known(&self) -> &[String] {
        &self.known
    }

    /// Adds a fault about `key`, at the key's own place, or at that of the table of a list that it would be in.
    pub fn add(&mut self, key: String, message: String) {
        let table = || key.find(']').and_then(|end| self.places.get(&key[..=end]));
        let position = self.places.get(&key).or_else(table);
        self.problems.push(ConfigProblem {
            file: self.file.clone(),
            position,
            key,
            message,
            source_line: None,
        });
    }

    /// All faults, those about unknown keys included: only now is it known which keys there are.
    pub fn into_problems(mut self) -> Vec<ConfigProblem> {
        for (section, key) in std::mem::take(&mut self.unknown) {
            let message = self.unknown_message(&section, &key);
            self.add(join(&section, &key), message);
        }
        self.problems
    }

    fn unknown_message(&self, section: &str, key: &str) -> String {
        let parent = |path: &str| path.rsplit_once('.').map_or("", |(parent, _)| parent).to_owned();
        let name = |path: &str| path.rsplit_once('.').map_or(path, |(_, name)| name).to_owned();
        let here: Vec<_> = self.known.iter().filter(|path| parent(path) == section).collect();
        let names: Vec<_> = here.iter().map(|path| name(path)).collect();
        let nearest = nearest(key, names.iter().map(String::as_str));
        let elsewhere = self.known.iter().find(|path| name(path) == key).map(String::as_str);
        if let Some(name) = nearest {
            format!("is no key; did you mean {}?", join(section, name))
        } else if let Some(path) = elsewhere {
            let place = match parent(path) {
                top if top.is_empty() => "at the top, above every [section]".to_owned(),
                section => format!("in [{section}]"),
            };
            format!("is no key; did you mean {path}? It stands {place}.")
        } else {
            format!("is no key; here belong {}.", names.join(", "))
        }
    }
}

/// A table of the file, and the same table of the built-in configuration for what the file leaves out.
pub(super) struct Section<'t> {
    pub path: String,
    file: Option<&'t DeTable<'t>>,
    built_in: Option<&'t DeTable<'t>>,
    diagnostics: &'t RefCell<Diagnostics>,
    asked: RefCell<Vec<String>>,
}

/// What a value ought to be, in words, after "it must be".
type Expected = String;

impl<'t> Section<'t> {
    /// The whole file.
    pub fn root(
        file: &'t DeTable<'t>,
        built_in: &'t DeTable<'t>,
        diagnostics: &'t RefCell<Diagnostics>,
    ) -> Self {
        let (file, built_in) = (Some(file), Some(built_in));
        Self { path: String::new(), file, built_in, diagnostics, asked: RefCell::default() }
    }

    /// The table `key` of this one; an empty one if the file has something else there, which is a fault.
    pub fn section(&self, key: &str) -> Section<'t> {
        self.ask(key);
        let file = self.file.and_then(|table| table.get(key)).and_then(|value| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                let found = shown(value.get_ref());
                self.fault(
                    key,
                    format!("is {found}; it must be a section. Write [{}].", self.path_of(key)),
                );
            }
            table
        });
        let built_in = self.built_in.and_then(|table| table.get(key)?.get_ref().as_table());
        let diagnostics = self.diagnostics;
        Section { path: self.path_of(key), file, built_in, diagnostics, asked: RefCell::default() }
    }

    /// Each table of the list `key`, whose keys are those of the table `built_in` in the built-in configuration; none if the
    /// file has no such list, or something else there, which is a fault.
    pub fn sections(&self, key: &str, built_in: &str) -> Vec<Section<'t>> {
        self.ask(key);
        let Some(value) = self.file.and_then(|table| table.get(key)) else { return Vec::new() };
        let tables = value.get_ref().as_array().and_then(|items| {
            let table = |item: &'t Spanned<DeValue<'t>>| item.get_ref().as_table();
            items.iter().map(table).collect::<Option<Vec<_>>>()
        });
        let Some(tables) = tables else {
            let (found, path) = (shown(value.get_ref()), self.path_of(key));
            self.fault(key, format!("is {found}; each one must be a section. Write [[{path}]]."));
            return Vec::new();
        };
        let built_in = self.built_in.and_then(|table| table.get(built_in)?.get_ref().as_table());
        let section = |(place, file)| Section {
            path: place_path(&self.path_of(key), place),
            file: Some(file),
            built_in,
            diagnostics: self.diagnostics,
            asked: RefCell::default(),
        };
        tables.into_iter().enumerate().map(section).collect()
    }

    /// The keys that the file has in this table, whatever they are.
    pub fn keys_in_file(&self) -> Vec<String> {
        self.file.into_iter().flatten().map(|(key, _)| key.get_ref().to_string()).collect()
    }

    /// Ends the reading of this table: keys nobody asked for are unknown.
    pub fn end(self) {
        let asked = self.asked.borrow();
        let unknown = self.keys_in_file().into_iter().filter(|key| !asked.contains(key));
        let mut diagnostics = self.diagnostics.borrow_mut();
        diagnostics.unknown.extend(unknown.map(|key| (self.path.clone(), key)));
    }

    /// Adds a fault about `key`.
    pub fn fault(&self, key: &str, message: String) {
        self.diagnostics.borrow_mut().add(self.path_of(key), message);
    }

    /// Adds a fault about what stands at `path` in the file, whichever table that is in.
    pub fn fault_at(&self, path: &str, message: String) {
        self.diagnostics.borrow_mut().add(path.to_owned(), message);
    }

    /// The value of a key that may be left out; none also if it is faulty.
    pub fn optional<T>(
        &self,
        key: &str,
        convert: impl Fn(&DeValue<'_>) -> Result<T, Expected>,
    ) -> Option<T> {
        self.ask(key);
        let found = self.file?.get(key)?.get_ref();
        match convert(found) {
            Ok(value) => Some(value),
            Err(expected) => {
                let built_in = self.built_in.and_then(|table| table.get(key));
                let mend = match built_in.map(|value| shown(value.get_ref())) {
                    Some(default) => format!(" Delete the line to have the default, {default}."),
                    None => " Mend it, or delete the line.".to_owned(),
                };
                self.fault(key, format!("is {}; it must be {expected}.{mend}", shown(found)));
                None
            }
        }
    }

    /// The value of a key that the built-in configuration sets, if the file does not or is wrong about it.
    pub fn value<T>(&self, key: &str, convert: impl Fn(&DeValue<'_>) -> Result<T, Expected>) -> T {
        self.optional(key, &convert).unwrap_or_else(|| {
            self.built_in
                .and_then(|table| table.get(key))
                .and_then(|value| convert(value.get_ref()).ok())
                .expect("invariant: the built-in config.toml sets every key that is not optional")
        })
    }

    fn ask(&self, key: &str) {
        self.asked.borrow_mut().push(key.to_owned());
        self.diagnostics.borrow_mut().known.push(self.path_of(key));
    }

    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

/// Any text but the empty one.
pub(super) fn text(value: &DeValue<'_>) -> Result<String, Expected> {
    let text = value.as_str().filter(|text| !text.trim().is_empty());
    text.map(str::to_owned).ok_or_else(|| "text between quotes".to_owned())
}

/// A list of texts.
pub(super) fn texts(value: &DeValue<'_>) -> Result<Vec<String>, Expected> {
    let items = value.as_array().map(|items| items.iter().map(|item| text(item.get_ref())));
    items
        .and_then(|items| items.collect::<Result<_, _>>().ok())
        .ok_or_else(|| "a list of texts, as [\"dog\", \"rain\"]".to_owned())
}

/// What `argv` has to be.
pub(super) fn argv(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    texts(value)
        .ok()
        .filter(|argv| !argv.is_empty())
        .ok_or_else(|| "a program and its arguments, as [\"program\", \"argument\"]".to_owned())
}

/// A time, from seconds.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// `true` or `false`.
pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Expected> {
    value.as_bool().ok_or_else(|| "true or false, without quotes".to_owned())
}

/// A whole number in `range`.
pub(super) fn whole(range: RangeInclusive<u64>) -> impl Fn(&DeValue<'_>) -> Result<u64, Expected> {
    move |value| {
        let written = value.as_integer();
        written
            .and_then(|written| u64::from_str_radix(written.as_str(), written.radix()).ok())
            .filter(|found| range.contains(found))
            .ok_or_else(|| in_range("a whole number", &range))
    }
}

/// A number in `range`, with or without a fraction.
pub(super) fn number(range: RangeInclusive<f64>) -> impl Fn(&DeValue<'_>) -> Result<f64, Expected> {
    move |value| {
        let found = any_number(value).ok().filter(|found| range.contains(found));
        found.ok_or_else(|| in_range("a number", &range))
    }
}

/// Any number; what is wrong with it shows later.
pub(super) fn any_number(value: &DeValue<'_>) -> Result<f64, Expected> {
    let written = match value {
        DeValue::Integer(written) if written.radix() == 10 => written.as_str(),
        DeValue::Float(written) => written.as_str(),
        _ => "",
    };
    written.parse().map_err(|_| "a number without quotes".to_owned())
}

/// One of some texts, each with what it stands for.
pub(super) fn one_of<T: Copy>(
    choices: &[(&str, T)],
) -> impl Fn(&DeValue<'_>) -> Result<T, Expected> {
    move |value| {
        let found = choices.iter().find(|(name, _)| value.as_str() == Some(name));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
            let known = choices.iter().map(|(name, _)| *name);
            let nearest = value.as_str().and_then(|found| nearest(found, known));
            let hint = nearest.map(|name| format!(" (nearest: {name:?})")).unwrap_or_default();
            format!("one of {}{hint}", names.join(", "))
        })
    }
}

fn in_range<T: Display>(kind: &str, range: &RangeInclusive<T>) -> Expected {
    format!("{kind} from {} to {}", range.start(), range.end())
}

/// A value as it may be written in a file, cut short.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", beginning(text)),
        DeValue::Integer(number) => beginning(&number.to_string()).into_owned(),
        DeValue::Float(number) => beginning(&number.to_string()).into_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(value) => value.to_string(),
        DeValue::Array(items) if items.is_empty() => "[]".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    }
}

/// The first characters of a text that is too long for a message; they show what it is.
pub(super) fn beginning(text: &str) -> Cow<'_, str> {
    const MAX_CHARACTERS: usize = 80;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
