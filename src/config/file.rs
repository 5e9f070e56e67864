//! A configuration file, read. Called by `cli` with a path; gives a `Config`, or every fault at once; main thread.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::position::{Places, overlong_key};
use super::resolved::Origin;
use super::section::{Diagnostics, Section};
use super::shortened::missing;
use super::{
    Config, ConfigError, ConfigProblem, ConfigProblems, InputConfig, OutputConfig, Position,
    detector, resolve,
};
use crate::domain::LabelSet;
use crate::files;
use crate::recognition::{DetectorSpec, ModelTraits};

/// The configuration that is built in, documented line by line.
const BUILT_IN: &str = include_str!("../../config.toml");
const BUILT_IN_NAME: &str = "built-in config.toml";

/// No configuration is larger: room for thresholds of three thousand labels. Looking for what an unknown key was meant to
/// be takes the more time, the more keys there are.
const MAX_BYTES: u64 = 256 << 10;

/// A file that has been read, with its faults if there are any.
///
/// Faulty values stand at their defaults, so that [`config`](Self::config) can be asked for the model and the faults
/// that only show with one can be reported together with the others by [`finish_for`](Self::finish_for).
#[derive(Debug)]
pub struct ParsedConfig {
    config: Config,
    problems: Vec<ConfigProblem>,
    text: String,
    /// Whether the text is TOML at all; if not, nothing else is worth reporting.
    is_toml: bool,
}

impl ParsedConfig {
    /// Reads the file at `path`; relative paths in it start at its folder.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] or [`ConfigError::TooLarge`]. Faults in the file come out of the `finish` methods.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        // it may be a pipe, or a device
        Self::of_bytes(path, files::read_stream(path, MAX_BYTES))
    }

    /// Reads the file at `path` again, in the place of the configuration that is in force: as [`Self::open`], but what cannot be
    /// read twice, and what seems to have been cut off, is refused.
    ///
    /// # Errors
    /// As [`Self::open`], [`ConfigError::Unrepeatable`] and [`ConfigError::Shortened`].
    pub fn reopen(path: &Path, in_force: &Config) -> Result<Self, ConfigError> {
        let read = files::read_regular(path, MAX_BYTES);
        if let Err(error) = &read
            && error.kind() == ErrorKind::InvalidInput
        {
            let (path, reason) = (path.to_owned(), error.to_string());
            return Err(ConfigError::Unrepeatable { path, reason });
        }
        let parsed = Self::of_bytes(path, read)?;
        match missing(&in_force.origin.text, &parsed.config.origin.text) {
            // what is not TOML has its own fault
            Some(missing) if parsed.is_toml => {
                Err(ConfigError::Shortened { path: path.to_owned(), missing })
            }
            _ => Ok(parsed),
        }
    }

    fn of_bytes(path: &Path, read: std::io::Result<Vec<u8>>) -> Result<Self, ConfigError> {
        let bytes = read.map_err(|source| match source.kind() {
            ErrorKind::FileTooLarge => {
                ConfigError::TooLarge { path: path.to_owned(), max: MAX_BYTES }
            }
            _ => ConfigError::Unreadable { path: path.to_owned(), source },
        })?;
        let name = path.display().to_string();
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Self::from_str(&name, &text),
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let (text, byte) = (String::from_utf8_lossy(valid), valid.len());
                let position = Position::of(&text, byte);
                let message =
                    format!("byte {byte} of the file is not UTF-8 text. Save the file as UTF-8.");
                Self::no_toml(&name, &text, position, message)
            }
        })
    }

    /// Reads `text`, which its faults call `name`; relative paths in it start at the folder of `name`.
    pub fn from_str(name: &str, text: &str) -> Self {
        let built_in =
            DeTable::parse(BUILT_IN).expect("invariant: the built-in config.toml is TOML");
        let file = match DeTable::parse(text) {
            Ok(file) => file,
            Err(error) => {
                let byte = error.span().map_or(0, |span| span.start);
                let message = format!("the file is not TOML here: {}.", error.message().trim());
                return Self::no_toml(name, text, Position::of(text, byte), message);
            }
        };
        if let Some(position) = overlong_key(text, file.get_ref()) {
            let max = LabelSet::MAX_LABEL_BYTES;
            let message = format!("the key here is longer than {max} bytes. No key or label is.");
            return Self::no_toml(name, text, position, message);
        }
        let places = Places::of(text, file.get_ref());
        let diagnostics = RefCell::new(Diagnostics::new(name, places.clone()));
        let folder = Path::new(name).parent().map(PathBuf::from).unwrap_or_default();
        let root = Section::root(file.get_ref(), built_in.get_ref(), &diagnostics);
        let mut config = resolve::config(root, &folder);
        config.origin = Origin { file: name.to_owned(), text: text.to_owned(), places };
        let problems = diagnostics.into_inner().into_problems();
        Self { config, problems, text: text.to_owned(), is_toml: true }
    }

    fn no_toml(name: &str, text: &str, position: Position, message: String) -> Self {
        let (file, position, key) = (name.to_owned(), Some(position), String::new());
        let problem = ConfigProblem { file, position, key, message, source_line: None };
        let (config, text) = (Config::default(), text.to_owned());
        Self { config, problems: vec![problem], text, is_toml: false }
    }

    /// The same configuration with another model.
    pub fn with_model(mut self, folder: PathBuf) -> Self {
        self.config.model = folder;
        self
    }

    /// The text that was read, as far as it is UTF-8.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the text is TOML at all; if not, that is its only fault.
    pub fn is_toml(&self) -> bool {
        self.is_toml
    }

    /// What was read, with the default in place of every faulty value: for finding the model to
    /// [`finish_for`](Self::finish_for), and no more.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The configuration, checked as far as it can be without a model.
    ///
    /// # Errors
    /// Every fault of the file but those that need the model's labels.
    pub fn finish(self) -> Result<Config, ConfigProblems> {
        self.refuse_problems(None)?;
        Ok(self.config)
    }

    /// The configuration and the rules of detection for `model`.
    ///
    /// # Errors
    /// Every fault of the file, labels that the model does not have and combinations that can never fire included.
    pub fn finish_for(self, model: &ModelTraits) -> Result<(Config, DetectorSpec), ConfigProblems> {
        self.refuse_problems(Some(model))?;
        let detector = self.config.detector_spec(model)?;
        Ok((self.config, detector))
    }

    /// Every fault of the file; with a model also those that need its labels.
    pub fn problems(&self, model: Option<&ModelTraits>) -> Vec<ConfigProblem> {
        let mut problems = self.problems.clone();
        if self.is_toml {
            problems.extend(detector::problems(&self.config, model, &self.problems));
        }
        problems
    }

    fn refuse_problems(&self, model: Option<&ModelTraits>) -> Result<(), ConfigProblems> {
        let problems = ConfigProblems::of(self.problems(model), &self.text);
        if problems.0.is_empty() { Ok(()) } else { Err(problems) }
    }
}

impl Config {
    /// Reads and checks the file at `path`, without a model; relative paths in it start at its folder.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] if there is no such file, [`ConfigError::TooLarge`], or [`ConfigError::Faulty`] with
    /// every fault in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Ok(ParsedConfig::open(path)?.finish()?)
    }

    /// Reads and checks `text`; see [`ParsedConfig::from_str`].
    ///
    /// # Errors
    /// Every fault in it.
    pub fn from_str(name: &str, text: &str) -> Result<Self, ConfigProblems> {
        ParsedConfig::from_str(name, text).finish()
    }

    /// A fault of this configuration that showed outside it: `key` stands where the file has it, or its section.
    pub fn problem(&self, key: &str, message: String) -> ConfigProblem {
        let section = key.rsplit_once('.').map_or(key, |(section, _)| section);
        let places = &self.origin.places;
        let position = places.get(key).or_else(|| places.get(section));
        let (file, key) = (self.origin.file.clone(), key.to_owned());
        ConfigProblem { file, position, key, message, source_line: None }
    }

    /// The sections in which `new` differs from this configuration, and that a daemon cannot take over while it runs. A
    /// section that is not named here cannot be forgotten: this would no longer compile.
    pub fn needs_restart(&self, new: &Self) -> Vec<String> {
        let Self {
            // a reload takes these over
            model: _,
            detector: _,
            engine: _,
            torchscript: _,
            inputs,
            output,
            clips,
            torch_threads,
            log_level,
            origin: _,
        } = self;
        let OutputConfig {
            top_labels: _,
            stdout,
            log_file,
            unix,
            tcp,
            web,
            command,
            mqtt,
            sockets,
        } = output;
        let list = |inputs: &[InputConfig]| inputs.iter().any(|input| input.name.is_some());
        let source = if list(inputs) || list(&new.inputs) { "[[input]]" } else { "[source]" };
        let sections = [
            (source, *inputs != new.inputs),
            ("[output.stdout]", *stdout != new.output.stdout),
            ("[output.log_file]", *log_file != new.output.log_file),
            ("[output.unix]", *unix != new.output.unix),
            ("[output.tcp]", *tcp != new.output.tcp),
            ("[output.web]", *web != new.output.web),
            ("[output.command]", *command != new.output.command),
            ("[output.mqtt]", *mqtt != new.output.mqtt),
            ("[output.sockets]", *sockets != new.output.sockets),
            ("[clips]", *clips != new.clips),
            ("[runtime]", *torch_threads != new.torch_threads),
            ("[log]", *log_level != new.log_level),
        ];
        let changed = sections.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(section, _)| section.to_owned()).collect()
    }

    /// The text that is built in: `config.toml`, for commands that write or show it.
    pub fn built_in_text() -> &'static str {
        BUILT_IN
    }
}

impl Default for Config {
    /// The built-in configuration; relative paths in it start at the current folder.
    fn default() -> Self {
        Self::from_str(BUILT_IN_NAME, BUILT_IN)
            .expect("invariant: the built-in config.toml has no faults")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The built-in file with its optional settings switched on: a `#` without a space after it.
    fn everything_set() -> String {
        let switched_on = |line: &str| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
                setting.to_owned()
            }
            _ => line.to_owned(),
        };
        BUILT_IN.lines().map(switched_on).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_built_in_file_documents_every_key_there_is_and_no_other() {
        let text = everything_set();
        let file = DeTable::parse(&text).unwrap();
        let places = Places::of(&text, file.get_ref());
        let diagnostics = RefCell::new(Diagnostics::new("config.toml", places.clone()));
        let root = Section::root(file.get_ref(), file.get_ref(), &diagnostics);
        let config = resolve::config(root, Path::new(""));
        let diagnostics = diagnostics.into_inner();
        // the keys of an [[input]] are those of [source]
        let is_documented = |path: &String| {
            let of_source = path.replace("input[1]", "source");
            places.get(path).or_else(|| places.get(&of_source)).is_some()
        };
        let undocumented: Vec<_> =
            diagnostics.known().iter().filter(|path| !is_documented(path)).collect();
        assert_eq!(undocumented, Vec::<&String>::new());
        let problems = diagnostics.into_problems();
        let keys: Vec<_> = problems.iter().map(|problem| &*problem.key).collect();
        assert_eq!(keys, ["source"], "it stands beside an [[input]]: {problems:?}");
        assert_eq!(config.inputs[0].name.as_deref(), Some("garden"), "optional settings are on");
    }
}
