//! The kinds of network, by the names that manifests and commands give them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::NetworkError;
use crate::domain::DomainError;
use crate::features::{FrontEndSpec, WindowSpec};

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
    /// Inverted residuals over time and frequency, then an LSTM over time.
    Mobile,
}

impl NetworkKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Conv1d, Self::Cnn, Self::Lstm, Self::Crnn, Self::Mobile];

    /// The windows that the standard sizes of this kind were chosen for: about two seconds, one every 80 ms.
    pub fn standard_window(self) -> WindowSpec {
        match self {
            Self::Conv1d | Self::Cnn | Self::Lstm | Self::Crnn => {
                WindowSpec { frames: 94, hop_frames: 4 }
            }
            Self::Mobile => WindowSpec { frames: 187, hop_frames: 8 },
        }
    }

    /// The front end that they were chosen for.
    ///
    /// # Errors
    /// None in practice; the rate goes through the usual check.
    pub fn standard_front_end(self) -> Result<FrontEndSpec, DomainError> {
        match self {
            Self::Conv1d | Self::Cnn | Self::Lstm | Self::Crnn => FrontEndSpec::standard(),
            Self::Mobile => FrontEndSpec::fine(),
        }
    }

    /// The name in manifests and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv1d => "conv1d",
            Self::Cnn => "cnn",
            Self::Lstm => "lstm",
            Self::Crnn => "crnn",
            Self::Mobile => "mobile",
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
