//! Labelled recordings on disk: five layouts, one reader each, and what is wrong with single files.
//!
//! Opening a dataset reads its table and looks at its files, decoding none; the cleaning of this layer loads clips.

mod assembly;
mod audio_file;
mod class_names;
mod class_numbers;
mod csv_list;
mod dataset;
mod error;
mod esc50;
mod folders;
mod layout;
mod open;
mod options;
mod recording_list;
mod table;
mod table_text;
mod tinysol;
mod urbansound8k;

pub use dataset::{ClipSpan, Dataset, DatasetClip};
pub use error::{ClipFault, DatasetError};
pub use layout::Layout;
pub use options::{DatasetOptions, OnFault, Subset, check_faults};
pub use recording_list::{ListedRecording, RecordingListError, RecordingManifest, list_recordings};
