//! What keeps a configuration and a model from running. Every message says how to mend it.

use std::path::PathBuf;

use super::ModelError;
use crate::config::{ConfigError, ConfigProblems};
use crate::protocol::Token;
use crate::recognition::RecognitionError;
use crate::sinks::SinkError;
use crate::sources::SourceError;

/// Something that cannot be assembled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssemblyError {
    /// The configuration cannot be read.
    #[error(transparent)]
    Unreadable(ConfigError),
    /// The configuration has faults.
    #[error(transparent)]
    Faulty(#[from] ConfigProblems),
    /// The configuration has faults, and its model cannot be used.
    #[error("{problems}\n{model}")]
    FaultyAndNoModel {
        /// The faults.
        problems: ConfigProblems,
        /// Why the model cannot be used.
        model: Box<ModelError>,
    },
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model and the rules for its scores do not fit each other.
    #[error(transparent)]
    Recognition(#[from] RecognitionError),
    /// Device or file cannot be used.
    #[error(transparent)]
    Source(SourceError),
    /// A file is to be read, and none is named.
    #[error("source.kind is file, and source.file.path is not set")]
    NoFile,
    /// A microphone is to end by itself.
    #[error(
        "--seconds ends the demo, recordings and standard input; a microphone has no end (`timeout 60 tympan run` ends it)"
    )]
    EndlessSource,
    /// Among several inputs, some wait for room and some cannot.
    #[error(
        "a recording cannot be read as fast as possible (--fast, or its pace) beside an input that waits for nobody, such as a microphone; leave its pace at \"real-time\""
    )]
    MixedPaces,
    /// An output cannot be opened.
    #[error(transparent)]
    Output(#[from] SinkError),
    /// A secret's file cannot be read.
    #[error("cannot read the {secret} in {}", path.display())]
    SecretFile {
        /// What it holds.
        secret: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Everybody on the machine can read the secret.
    #[error("everybody can read the {secret} in {path}; `chmod 600 {path}`, and put another one into it", path = path.display())]
    PublicSecret {
        /// What it holds.
        secret: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file holds nothing.
    #[error("{} holds no password; write the user's into it, on one line", path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
    },
    /// What the file holds is no token.
    #[error(
        "{path} holds no token of {} to {} letters, digits and signs without spaces; `openssl rand -hex 32 > {path}` makes one",
        Token::MIN_BYTES,
        Token::MAX_BYTES,
        path = path.display()
    )]
    NoToken {
        /// The file.
        path: PathBuf,
    },
}

impl From<ConfigError> for AssemblyError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Faulty(problems) => Self::Faulty(problems),
            other => Self::Unreadable(other),
        }
    }
}

/// An error and its causes, once each.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}
