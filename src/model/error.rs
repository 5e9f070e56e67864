//! What can be wrong with a network's sizes and with a bundle on disk. Every message says how to mend it.

use std::path::PathBuf;

use crate::domain::DomainError;
use crate::features::FeatureError;

/// Sizes that no network can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A size of zero, or an absurd one.
    #[error("{what} is {found}; it must be between 1 and {largest}")]
    Size {
        /// Which size.
        what: &'static str,
        /// As given.
        found: i64,
        /// The largest that is accepted.
        largest: i64,
    },
    /// A kernel without a middle.
    #[error("{what} is {found}; it must be odd")]
    EvenKernel {
        /// Which size.
        what: &'static str,
        /// As given.
        found: i64,
    },
    /// A kind of network that there is not.
    #[error("there is no network {found:?}; it must be conv1d, cnn, lstm, crnn or mobile")]
    Kind {
        /// As given.
        found: String,
    },
    /// More pooling than there are bands.
    #[error(
        "the blocks pool {mel_bands} mel bands away to nothing; lower band_pool or raise mel_bands"
    )]
    BandsPooledAway {
        /// Bands of the front end.
        mel_bands: usize,
    },
    /// A window that is not a whole number of features.
    #[error(
        "window.frames is {frames}; with this network it must be {receptive} plus a multiple of {stride}"
    )]
    WindowFrames {
        /// As given.
        frames: i64,
        /// Frames one feature depends on.
        receptive: i64,
        /// Frames from one feature to the next.
        stride: i64,
    },
    /// A hop that would move the grid of features.
    #[error("window.hop_frames is {hop}; with this network it must be a multiple of {stride}")]
    HopFrames {
        /// As given.
        hop: i64,
        /// Frames from one feature to the next.
        stride: i64,
    },
    /// A window that would take memory beyond reason.
    #[error(
        "a window of {frames} frames of {mel_bands} bands makes {values} values in one layer of this network, more than {max}; shorten the window or take fewer channels"
    )]
    Values {
        /// Frames of the window.
        frames: i64,
        /// Bands of the front end.
        mel_bands: usize,
        /// Values of the largest layer.
        values: i64,
        /// The most that is accepted.
        max: i64,
    },
    /// A tensor that the network needs is not in the file.
    #[error(
        "the weights have no tensor {name:?}; they belong to another network than the manifest's"
    )]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A tensor that the network does not have.
    #[error(
        "the weights have a tensor {name:?} that the manifest's network does not; they belong to another network"
    )]
    UnknownTensor {
        /// Its name.
        name: String,
    },
    /// A tensor of another shape or type than the network's.
    #[error("tensor {name:?} is {found}, the manifest's network needs {expected}")]
    TensorShape {
        /// Its name.
        name: String,
        /// Type and shape in the file.
        found: String,
        /// Type and shape of the network.
        expected: String,
    },
    /// A weight that is infinite or not a number.
    #[error(
        "value {at} of tensor {name:?} is not a finite number; training went astray: train again, with a lower learning rate"
    )]
    TensorValue {
        /// The tensor's name.
        name: String,
        /// Which of its values, counted from 0.
        at: usize,
    },
    /// More parameters than the file holds.
    #[error(
        "the manifest's network has {expected} parameters, the weights hold {found}; they belong to another network"
    )]
    Parameters {
        /// Parameters of the network.
        expected: i64,
        /// Numbers in the file.
        found: i64,
    },
    /// A header beyond reason.
    #[error(
        "its header claims {found} bytes; at most {max} are read. The file is damaged, or not safetensors: copy the whole bundle again"
    )]
    WeightsHeader {
        /// As claimed in the file's first eight bytes.
        found: u64,
        /// The most that is read.
        max: u64,
    },
    /// The file is not a safetensors file.
    #[error("not readable as safetensors: {reason}")]
    NotSafetensors {
        /// The library's words.
        reason: String,
    },
    /// A window that the network was not made for.
    #[error("a window has {found} values, the network takes {expected}")]
    WindowValues {
        /// Values of the window.
        found: usize,
        /// Values the network takes.
        expected: usize,
    },
}

/// A bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// There is no such folder, or no manifest in it.
    #[error("no model bundle at {}: {} is missing; give the folder of a bundle with --model or `model` in the configuration", folder.display(), file)]
    Missing {
        /// The folder that was named.
        folder: PathBuf,
        /// The file that is not there.
        file: String,
    },
    /// The folder holds a training run that has not come to a bundle.
    #[error("{}: its training is not finished; go on with `tympan train --resume {}`", folder.display(), folder.display())]
    Unfinished {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds the bundles of a cross-validation.
    #[error("{}: a bundle for each fold is in it; name one of them, such as {}/fold1", folder.display(), folder.display())]
    Folds {
        /// The folder.
        folder: PathBuf,
    },
    /// A file that is there but cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A file larger than anything it could rightly hold.
    #[error("{} has {found} bytes; with this manifest it has at most {max}. It is damaged or from another bundle: copy the whole bundle again", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its bytes; at least these, when it grew meanwhile.
        found: u64,
        /// The most that is read.
        max: u64,
    },
    /// A link that leads out of the bundle.
    #[error("{} is a link to {}, which is outside the bundle; put the file itself in its place (cp --dereference)", path.display(), target.display())]
    Outside {
        /// The file of the bundle.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A manifest that is not TOML, or lacks or misspells a key.
    #[error("{}:{line}: {message}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Line of the fault, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A format this program does not know.
    #[error("{}: format_version is {found}; this version of tympan reads version {known}. {}", path.display(), if *found > *known { "Install a newer tympan" } else { "Train the bundle again with `tympan train`" })]
    FormatVersion {
        /// The manifest.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version that can be read.
        known: u32,
    },
    /// The weights are not those the manifest was written for.
    #[error("{}: sha256 is {found}, but {} says {expected}; the file is damaged or from another bundle: copy the whole bundle again", weights.display(), manifest.display())]
    Hash {
        /// The weights.
        weights: PathBuf,
        /// The manifest.
        manifest: PathBuf,
        /// Hash of the file.
        found: String,
        /// Hash in the manifest.
        expected: String,
    },
    /// A number of labels unlike the network's outputs.
    #[error("{} has {labels} labels, but the network in {} has {outputs} outputs; manifest and weights belong to different models", manifest.display(), weights.display())]
    LabelCount {
        /// The manifest.
        manifest: PathBuf,
        /// The weights.
        weights: PathBuf,
        /// Labels in the manifest.
        labels: usize,
        /// Outputs of the network.
        outputs: usize,
    },
    /// Thresholds that do not belong to the labels, or make no sense.
    #[error("{}: {message}", path.display())]
    Thresholds {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Labels that cannot be a label set.
    #[error("{}: {source}", path.display())]
    Labels {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with them.
        source: DomainError,
    },
    /// A verifier that belongs to another model.
    #[error("the verifier in {} has another {what} than the model itself: both must be trained with the same", folder.display())]
    Verifier {
        /// The verifier's folder.
        folder: PathBuf,
        /// What differs, by its key in the manifest.
        what: &'static str,
    },
    /// A front end that cannot be computed.
    #[error("{}: {source}", path.display())]
    FrontEnd {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: FeatureError,
    },
    /// A module that others made, where a network of tympan's own is needed.
    #[error("{} describes a TorchScript module; `tympan run`, `classify`, `eval`, `bench` and `check` take those, what trains or continues a network does not", path.display())]
    IsModule {
        /// The manifest.
        path: PathBuf,
    },
    /// What is said of a module that others made makes no sense.
    #[error("{}: {message}", path.display())]
    Module {
        /// Manifest, labels or scores.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A network that there is not, or weights that are not its own.
    #[error("{}: {source}", path.display())]
    Network {
        /// Manifest or weights.
        path: PathBuf,
        /// What is wrong.
        source: NetworkError,
    },
}
