//! What a network is made for, and so how its weights begin. Said by whoever makes one, asked by its parts.

use tch::nn;

/// What a new network is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NetworkMode {
    /// It begins with random weights.
    Training {
        /// The share of features and of pooled outputs that training leaves out.
        dropout: f64,
    },
    /// Its weights are zero until those of a bundle take their place. Nothing is drawn at random: libtorch's generator needs a
    /// device of the system, and a machine without it can classify all the same.
    Inference,
}

impl NetworkMode {
    /// The first values of weights that training draws as `random` says.
    pub(super) fn initial(self, random: nn::Init) -> nn::Init {
        match self {
            Self::Training { .. } => random,
            Self::Inference => nn::Init::Const(0.0),
        }
    }
}
