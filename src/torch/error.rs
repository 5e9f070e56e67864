//! What can go wrong with libtorch. Every message says how to mend it.

use std::path::PathBuf;

use crate::recognition::ScorerError;

/// What oneDNN says when it may not make the machine code executable that it has written, as under systemd's
/// `MemoryDenyWriteExecute`. It writes some for 32-bit convolutions, and none for 64-bit ones.
pub(super) const NO_MACHINE_CODE: &str = "could not create a primitive";

/// libtorch failed, or disagrees.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TorchError {
    /// libtorch failed.
    #[error("libtorch: {reason}")]
    Runtime {
        /// Its words, the first line.
        reason: String,
    },
    /// A tensor of the network that the weights do not have.
    #[error("the weights have no tensor {name:?} of the network's shape")]
    Weights {
        /// Its name.
        name: String,
    },
    /// An engine could not score the fixed input.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
    /// A module that others made cannot be used.
    #[error("{}: {source}", path.display())]
    Module {
        /// The module.
        path: PathBuf,
        /// Why.
        source: ModuleError,
    },
    /// Two engines give one window different scores.
    #[error(
        "on this machine the incremental engine and libtorch score the same window differently: {label} is {incremental} and {libtorch}, more than {max} apart. Neither can be trusted; please report this with the processor's name (`lscpu`). A tympan that was built without libtorch does not make this check"
    )]
    EnginesDiffer {
        /// The label whose scores are furthest apart.
        label: String,
        /// Its score by the incremental engine.
        incremental: f32,
        /// Its score by libtorch.
        libtorch: f32,
        /// How far apart they may be.
        max: f32,
    },
}

/// A module that others made failed, or does not do what its `model.toml` says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// It is no TorchScript that libtorch can read.
    #[error(
        "libtorch cannot load the module: {reason}. It must be a file that `torch.jit.save` wrote"
    )]
    Load {
        /// libtorch's words.
        reason: String,
    },
    /// It raised something.
    #[error(
        "the module fails: {reason}. Compare input.layout, the window and module.extra in model.toml with what the module takes"
    )]
    Call {
        /// libtorch's words, or the module's own.
        reason: String,
    },
    /// It needs machine code, and may not make any.
    #[error(
        "the module needs oneDNN, which writes machine code, and this process may not; run it with MemoryDenyWriteExecute=no in the service's unit"
    )]
    NoMachineCode,
    /// Its answer is not the kind of thing that `model.toml` says.
    #[error("the module gives {found}, and model.toml asks for {expected}")]
    Answer {
        /// What came.
        found: String,
        /// What was to come.
        expected: String,
    },
    /// Its outputs are not one a label.
    #[error(
        "the module gives a tensor {shape:?}, whose last dimension is not the {labels} labels of model.toml; mend the labels, or choose another output.index"
    )]
    Outputs {
        /// The tensor's dimensions.
        shape: Vec<i64>,
        /// Labels there are.
        labels: usize,
    },
    /// Its outputs are several a label.
    #[error(
        "the module gives a tensor {shape:?}, {inner_frames} outputs a label; write reduce = \"mean\", \"max\" or \"last\" below [output]"
    )]
    InnerFrames {
        /// The tensor's dimensions.
        shape: Vec<i64>,
        /// Outputs of a label.
        inner_frames: i64,
    },
    /// An output that is no score.
    #[error(
        "the module scores {label:?} as {score}; a score lies between 0 and 1. Choose the output.activation that the module was trained with"
    )]
    Score {
        /// The label.
        label: String,
        /// As it came.
        score: f32,
    },
    /// libtorch failed beside it.
    #[error("libtorch: {reason}")]
    Runtime {
        /// Its words.
        reason: String,
    },
}

impl From<tch::TchError> for ModuleError {
    fn from(error: tch::TchError) -> Self {
        let text = error.to_string();
        Self::Runtime { reason: text.lines().next().unwrap_or_default().to_owned() }
    }
}

impl From<tch::TchError> for TorchError {
    fn from(error: tch::TchError) -> Self {
        let text = error.to_string();
        Self::Runtime { reason: text.lines().next().unwrap_or_default().to_owned() }
    }
}
