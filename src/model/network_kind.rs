//! The kinds of network, by the names that manifests and commands give them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::NetworkError;

/// A kind of network; its sizes are in [`super::NetworkSpec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// Convolutions over time; the mel bands are channels.
    Conv1d,
    /// Convolutions over time and frequency.
    Cnn,
    /// An LSTM over the frames themselves.
    Lstm,
    /// Convolutions over time and frequency, then an LSTM over time.
    Crnn,
}

impl NetworkKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Conv1d, Self::Cnn, Self::Lstm, Self::Crnn];

    /// The name in manifests and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv1d => "conv1d",
            Self::Cnn => "cnn",
            Self::Lstm => "lstm",
            Self::Crnn => "crnn",
        }
    }
}

impl fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for NetworkKind {
    type Err = NetworkError;

    /// # Errors
    /// [`NetworkError::Kind`] when there is no such kind.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| NetworkError::Kind { found: text.to_owned() })
    }
}
