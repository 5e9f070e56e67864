//! What is wrong with a configuration. Found while a file is read or checked against a model, printed by `cli`; main
//! thread.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::Position;

/// Longer lines of a file are not shown below what is wrong in them.
const MAX_LINE_CHARS: usize = 160;

/// One fault: where, which key, and what about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The file, as it was named.
    pub file: String,
    /// Where in it; none when the fault is about what stands nowhere, as two defaults that a model makes contradict.
    pub position: Option<Position>,
    /// The key's path, as `detector.confirm.of`; empty when the text is not TOML.
    pub key: String,
    /// The rest of the sentence that `key` begins: what was found, what was expected, how to mend it.
    pub message: String,
    /// The line of the file at `position`; none before [`ConfigProblems::of`] has added it.
    pub source_line: Option<String>,
}

impl fmt::Display for ConfigProblem {
    /// One line; `{:#}` adds the line of the file and a caret below the fault.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(position) = self.position {
            write!(f, "{}:", position.line)?;
        }
        if !self.key.is_empty() {
            write!(f, " {}", self.key)?;
        }
        write!(f, " {}", self.message)?;
        match (&self.source_line, self.position) {
            (Some(line), Some(position)) if f.alternate() => {
                // a caret below tabs stands where they end, for they are in its line too
                let before = line.chars().take(position.column - 1);
                let before: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                let number = position.line.to_string();
                let margin = " ".repeat(number.len());
                write!(f, "\n  {number} | {}\n  {margin} | {before}^", line.trim_end())
            }
            _ => Ok(()),
        }
    }
}

/// Every fault of a configuration, in the order of the lines; one a line when printed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigProblems(pub Vec<ConfigProblem>);

impl ConfigProblems {
    /// Puts `problems` of a file with this `text` in the order of their lines, those without one last, and adds the lines.
    pub fn of(mut problems: Vec<ConfigProblem>, text: &str) -> Self {
        problems.sort_by_key(|problem| (problem.position.is_none(), problem.position));
        for problem in &mut problems {
            let line = problem.position.and_then(|position| text.lines().nth(position.line - 1));
            // a line of a screen's width or two; a longer one would hide the message
            let shown = line.filter(|line| line.chars().count() <= MAX_LINE_CHARS);
            problem.source_line = shown.map(str::to_owned);
        }
        Self(problems)
    }
}

impl fmt::Display for ConfigProblems {
    /// A line a fault; `{:#}` adds the lines of the file, each with a caret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            match f.alternate() {
                true => write!(f, "{line_break}{problem:#}")?,
                false => write!(f, "{line_break}{problem}")?,
            }
        }
        Ok(())
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not there, or may not be read.
    #[error(
        "cannot read the configuration {}; name another with --config, or leave it out to use what is built in",
        .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is larger than any configuration.
    #[error(
        "{} has more than {max} bytes, the most that a configuration may have; this is hardly one: name another with --config, or leave out what stands in the built-in one",
        .path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        max: u64,
    },
    /// A daemon that runs cannot read it a second time.
    #[error(
        "the configuration {} cannot be read again ({reason}); give --config a regular file, and restart",
        .path.display()
    )]
    Unrepeatable {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: String,
    },
    /// A daemon that runs does not take a file that seems to have been cut off.
    #[error(
        "{}: {missing}; has it been cut off? Mend the file and reload. If it is meant so, restart",
        .path.display()
    )]
    Shortened {
        /// The file.
        path: PathBuf,
        /// What is missing.
        missing: String,
    },
    /// The file was read and has faults.
    #[error(transparent)]
    Faulty(#[from] ConfigProblems),
}
