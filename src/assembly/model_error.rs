//! What keeps a model from being used. Every message says how to mend it.

use std::path::PathBuf;

use crate::model::BundleError;
use crate::offline::ScanError;
use crate::sources::SourceError;
#[cfg(feature = "torch")]
use crate::torch::TorchError;

/// A model that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Its files.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// No model was named, and the one that comes with tympan is not there.
    #[error(
        "the model that comes with tympan is in none of these places:\n{places}\nInstall the program (`sudo make install` or \
         `make install PREFIX=~/.local` in its clone), or name a bundle with --model"
    )]
    NoShippedBundle {
        /// Where it was looked for, a line each.
        places: String,
    },
    /// libtorch, or the check of one engine against the other.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Torch(#[from] TorchError),
    /// A TorchScript module, which is code, and nobody has said that it may run.
    #[error("{} is a TorchScript module, which is code, and nothing says that it may run. If you trust it, name its bundle with --model, or write `torchscript = \"{sha256}\"` below [runtime] in the configuration", path.display())]
    Untrusted {
        /// The module.
        path: PathBuf,
        /// Its hash.
        sha256: String,
    },
    /// Another TorchScript module than the one that may run.
    #[error("{} is a TorchScript module of sha256 {found}, and the one that may run has {trusted}. If you trust it, write its hash as `torchscript` below [runtime] in the configuration, or restart a daemon that was started with --model", path.display())]
    OtherModule {
        /// The module.
        path: PathBuf,
        /// Its hash.
        found: String,
        /// The hash of the one that may run.
        trusted: String,
    },
    /// A TorchScript module in a build that cannot run any.
    #[cfg(not(feature = "torch"))]
    #[error("{} is a TorchScript module, and this tympan was built without libtorch, which runs those; install the full build", path.display())]
    NoLibtorch {
        /// The module.
        path: PathBuf,
    },
    /// A recording with known scores that cannot be read.
    #[error("the recording with known scores: {0}")]
    GoldenClip(#[from] SourceError),
    /// A recording with known scores that cannot be scored.
    #[error("the recording with known scores cannot be scored")]
    GoldenScan(#[from] ScanError),
    /// Another number of windows than there are known scores.
    #[error("{} has {windows} windows, and the bundle knows the scores of {known}; it was made with another window or hop: make the bundle again", path.display())]
    GoldenWindows {
        /// The recording.
        path: PathBuf,
        /// Windows it has.
        windows: usize,
        /// Windows whose scores are known.
        known: usize,
    },
    /// Other scores than the known ones.
    #[error("{}: in window {window}, {label} is {found} here and {known} in the bundle, more than {max} apart. The front end in model.toml is not the one that the module was trained with, or this libtorch computes something else", path.display())]
    GoldenScore {
        /// The recording.
        path: PathBuf,
        /// Which of its windows, counted from 0.
        window: usize,
        /// The label whose scores are furthest apart.
        label: String,
        /// Its score here.
        found: f32,
        /// Its score in the bundle.
        known: f32,
        /// How far apart they may be.
        max: f32,
    },
}
