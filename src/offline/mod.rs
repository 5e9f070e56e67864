//! Layer 5: recordings instead of a device: datasets, their cleaning and their splits, and the scan of a clip through the
//! live path.
//!
//! The featuriser and the recogniser are those of the daemon; commands, the training and the evaluation call it.

mod classifier;
mod cleaning;
mod datasets;
mod map_clips;
mod scan;
mod split;

pub use classifier::{Classification, Classifier, ClassifierError, ClipEvent};
pub use cleaning::{
    CleaningSpec, ClipNormalisation, load_clean_clip, loudness_lufs, normalise_clip,
};
pub use datasets::{
    ClipFault, ClipSpan, Dataset, DatasetClip, DatasetError, DatasetOptions, Layout,
    ListedRecording, OnFault, RecordingListError, RecordingManifest, Subset, check_faults,
    list_recordings,
};
pub use map_clips::{Progress, map_clips, worker_count};
pub use scan::{ClipScanner, ClipWindows, ScanError, for_each_batch, labelled_windows};
pub use split::{KFoldSpec, Leak, Split, SplitError, SplitSpec, k_fold, split_recordings};
