//! What can go wrong with libtorch. Every message says how to mend it.

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

impl From<tch::TchError> for TorchError {
    fn from(error: tch::TchError) -> Self {
        let text = error.to_string();
        Self::Runtime { reason: text.lines().next().unwrap_or_default().to_owned() }
    }
}
