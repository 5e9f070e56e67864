//! A model and the engine that scores with it. Opened by every command that scores; runs where it is called.

use std::path::Path;
use std::sync::Arc;

use super::golden::check_golden;
use super::{ModelError, load_bundle};
use crate::config::Engine;
#[cfg(feature = "torch")]
use crate::model::Bundle;
use crate::model::{AnyBundle, Golden, Model, ModuleBundle, NetworkScorer};
use crate::recognition::Scorer;
#[cfg(feature = "torch")]
use crate::torch::{ReferenceScorer, TorchModule, check_engines, configure_runtime};

/// Which TorchScript module may run: each is code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleTrust {
    /// None.
    Nobody,
    /// The one whose bundle was named on the command line, whichever it pins.
    Named,
    /// The one of this hash.
    Sha256(String),
}

impl ModuleTrust {
    /// Checks that `bundle` may run.
    ///
    /// # Errors
    /// [`ModelError::Untrusted`] or [`ModelError::OtherModule`].
    fn check(&self, bundle: &ModuleBundle) -> Result<(), ModelError> {
        let (path, sha256) = (bundle.module_path(), bundle.sha256());
        match self {
            Self::Named => Ok(()),
            Self::Sha256(trusted) if *trusted == sha256 => Ok(()),
            Self::Sha256(trusted) => {
                let (found, trusted) = (sha256, trusted.clone());
                Err(ModelError::OtherModule { path, found, trusted })
            }
            Self::Nobody => Err(ModelError::Untrusted { path, sha256 }),
        }
    }
}

/// Makes scorers of one model, all with the same engine.
pub struct Scorers {
    model: Arc<Model>,
    /// The hash of its weights, or of the TorchScript module.
    sha256: String,
    is_module: bool,
    /// Of a TorchScript module: a recording with known scores.
    golden: Option<Golden>,
    /// What libtorch's scorers are made from, if it is the engine.
    #[cfg(feature = "torch")]
    reference: Option<Bundle>,
}

impl Scorers {
    /// Loads the bundle in `folder`. In a build with libtorch, scores a fixed input with both engines and refuses a model on
    /// which they differ. A TorchScript module runs if `trust` covers it, with libtorch whatever `engine` is.
    ///
    /// `torch_threads`: threads that libtorch may use for one window; the first call in a process counts.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn open(
        folder: &Path,
        engine: Engine,
        torch_threads: usize,
        trust: &ModuleTrust,
    ) -> Result<Self, ModelError> {
        let bundle = match load_bundle(folder)? {
            AnyBundle::Network(bundle) => *bundle,
            AnyBundle::Module(bundle) => return Self::of_module(*bundle, torch_threads, trust),
        };
        let model = Arc::new(Model::new(&bundle));
        let sha256 = bundle.manifest.weights_sha256.to_lowercase();
        let is_module = false;
        #[cfg(feature = "torch")]
        {
            configure_runtime(torch_threads);
            check_engines(&bundle, &model)?;
            let reference = (engine == Engine::Libtorch).then_some(bundle);
            Ok(Self { model, sha256, is_module, golden: None, reference })
        }
        #[cfg(not(feature = "torch"))]
        {
            // the configuration has refused any other engine, and there are no threads of libtorch
            let _ = (engine, torch_threads);
            Ok(Self { model, sha256, is_module, golden: None })
        }
    }

    #[cfg(feature = "torch")]
    fn of_module(
        bundle: ModuleBundle,
        torch_threads: usize,
        trust: &ModuleTrust,
    ) -> Result<Self, ModelError> {
        trust.check(&bundle)?;
        configure_runtime(torch_threads);
        let module = TorchModule::open(&bundle)?;
        let model = Arc::new(Model::of_module(&bundle, Box::new(module)));
        let (sha256, is_module) = (bundle.sha256(), true);
        Ok(Self { model, sha256, is_module, golden: bundle.golden, reference: None })
    }

    #[cfg(not(feature = "torch"))]
    fn of_module(
        bundle: ModuleBundle,
        _torch_threads: usize,
        trust: &ModuleTrust,
    ) -> Result<Self, ModelError> {
        trust.check(&bundle)?;
        Err(ModelError::NoLibtorch { path: bundle.module_path() })
    }

    /// The hash of the TorchScript module, if the model is one.
    pub fn module_sha256(&self) -> Option<&str> {
        self.is_module.then_some(&*self.sha256)
    }

    /// The hash of the weights, or of the TorchScript module.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Scores the recording that the bundle knows the scores of, if there is one, and says of how many windows it is.
    ///
    /// # Errors
    /// [`ModelError`] when it cannot be scored, or gets other scores.
    pub fn check_golden(&self) -> Result<Option<usize>, ModelError> {
        let golden = self.golden.as_ref();
        golden.map(|golden| check_golden(&self.model, golden)).transpose()
    }

    /// The model that all of them share.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// A scorer that has seen no window, for a few inputs.
    ///
    /// # Errors
    /// As [`Self::scorer_for`].
    pub fn scorer(&self) -> Result<Box<dyn Scorer>, ModelError> {
        self.scorer_for(1)
    }

    /// A scorer that has seen no window, for so many inputs.
    ///
    /// # Errors
    /// [`ModelError`] when libtorch fails.
    pub fn scorer_for(&self, inputs: usize) -> Result<Box<dyn Scorer>, ModelError> {
        #[cfg(feature = "torch")]
        if let Some(bundle) = &self.reference {
            return Ok(Box::new(ReferenceScorer::new(bundle)?));
        }
        Ok(Box::new(NetworkScorer::for_inputs(&self.model, inputs)))
    }
}
