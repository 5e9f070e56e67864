//! A model and the engine that scores with it. Opened by every command that scores; runs where it is called.

use std::path::Path;
use std::sync::Arc;

use crate::config::Engine;
use crate::model::{Bundle, BundleError, Model, NetworkScorer};
use crate::recognition::Scorer;
#[cfg(feature = "torch")]
use crate::torch::{ReferenceScorer, TorchError, check_engines, configure_runtime};

/// A model that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Its files.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// libtorch, or the check of one engine against the other.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Torch(#[from] TorchError),
}

/// Makes scorers of one model, all with the same engine.
pub struct Scorers {
    model: Arc<Model>,
    /// What libtorch's scorers are made from, if it is the engine.
    #[cfg(feature = "torch")]
    reference: Option<Bundle>,
}

impl Scorers {
    /// Loads the bundle in `folder`. In a build with libtorch, scores a fixed input with both engines and refuses a model on
    /// which they differ.
    ///
    /// `torch_threads`: threads that libtorch may use for one window; the first call in a process counts.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn open(folder: &Path, engine: Engine, torch_threads: usize) -> Result<Self, ModelError> {
        let bundle = Bundle::load(folder)?;
        let model = Arc::new(Model::new(&bundle));
        #[cfg(feature = "torch")]
        {
            configure_runtime(torch_threads);
            check_engines(&bundle, &model)?;
            let reference = (engine == Engine::Libtorch).then_some(bundle);
            Ok(Self { model, reference })
        }
        #[cfg(not(feature = "torch"))]
        {
            // the configuration has refused any other engine, and there are no threads of libtorch
            let _ = (engine, torch_threads);
            Ok(Self { model })
        }
    }

    /// The model that all of them share.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// A scorer that has seen no window.
    ///
    /// # Errors
    /// [`ModelError`] when libtorch fails.
    pub fn scorer(&self) -> Result<Box<dyn Scorer>, ModelError> {
        #[cfg(feature = "torch")]
        if let Some(bundle) = &self.reference {
            return Ok(Box::new(ReferenceScorer::new(bundle)?));
        }
        Ok(Box::new(NetworkScorer::new(&self.model)))
    }
}
