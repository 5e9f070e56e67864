//! What every layout's reader does last: choose by licence and label, look at the files, and list the faults. Fed rows by
//! the readers, makes the dataset.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::{
    ClipFault, ClipSpan, Dataset, DatasetClip, DatasetError, DatasetOptions, Layout, audio_file,
    class_names,
};
use crate::domain::LabelSet;

/// A dataset as its table or its folders have it, before anybody looked at the files.
pub(super) struct Listing {
    pub(super) name: String,
    /// The terms of the whole set.
    pub(super) terms: &'static str,
    /// The table, or the folder.
    pub(super) place: PathBuf,
    /// The classes in their order.
    pub(super) classes: Vec<String>,
    pub(super) entries: Vec<Entry>,
}

/// One recording that is listed.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// Where it is listed, for its fault; empty where the file itself is the listing.
    pub(super) place: String,
    pub(super) licence: String,
    /// What the dataset's table has on it, or what is wrong with that.
    pub(super) content: Result<Content, String>,
}

/// What the dataset's table has on a recording.
pub(super) struct Content {
    pub(super) label: String,
    pub(super) fold: Option<u32>,
    pub(super) group: Option<String>,
    pub(super) span: Option<ClipSpan>,
}

impl Entry {
    fn fault(&self, reason: &str) -> ClipFault {
        let place = match self.place.as_str() {
            "" => String::new(),
            place => format!(" ({place})"),
        };
        let fold = self.content.as_ref().ok().and_then(|content| content.fold);
        ClipFault { path: self.path.clone(), reason: format!("{reason}{place}"), fold }
    }
}

impl Listing {
    pub(super) fn into_dataset(
        self,
        layout: Layout,
        options: &DatasetOptions,
    ) -> Result<Dataset, DatasetError> {
        self.check_licences(&options.licences)?;
        let labels = self.chosen_labels(&options.labels)?;
        let number: HashMap<&str, usize> =
            labels.iter().enumerate().map(|(index, label)| (label.as_str(), index)).collect();
        let mut clips: Vec<DatasetClip> = Vec::new();
        let mut faults = Vec::new();
        let contradictory = self.contradictory();
        let mut seen = BTreeSet::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if !options.licences.is_empty() && !options.licences.contains(&entry.licence) {
                continue;
            }
            match &entry.content {
                Err(reason) => faults.push(entry.fault(reason)),
                Ok(content) => {
                    let Some(&label) = number.get(content.label.as_str()) else { continue };
                    if let Some(reason) =
                        contradictory.get(&index).cloned().or_else(|| file_fault(&entry.path))
                    {
                        faults.push(entry.fault(&reason));
                    } else if seen.insert(key(&entry.path, content)) {
                        let Content { fold, group, span, .. } = content;
                        let (path, group) = (entry.path.clone(), group.clone());
                        clips.push(DatasetClip { path, label, fold: *fold, group, span: *span });
                    } else {
                        log::warn!("{}", entry.fault("is listed twice; it counts once"));
                    }
                }
            }
        }
        let place = self.place;
        if clips.is_empty() {
            return Err(DatasetError::NoClips { place, faults });
        }
        class_names::warn_of_alike(&place, labels.iter().map(String::as_str));
        let labels = LabelSet::new(&labels)
            .map_err(|source| DatasetError::Labels { place: place.clone(), source })?;
        let terms = match options.licences.as_slice() {
            [] => self.terms.to_owned(),
            licences => licences.join(" and "),
        };
        let dataset = Dataset { name: self.name, terms, layout, labels, clips, faults };
        log::info!("{}: {}", place.display(), dataset.summary());
        Ok(dataset)
    }

    fn check_licences(&self, wanted: &[String]) -> Result<(), DatasetError> {
        let present: BTreeSet<&String> = self.entries.iter().map(|it| &it.licence).collect();
        if wanted.iter().all(|licence| present.contains(licence)) {
            return Ok(());
        }
        Err(DatasetError::Licence {
            place: self.place.clone(),
            licences: wanted.to_vec(),
            present: present.into_iter().filter(|it| !it.is_empty()).cloned().collect(),
        })
    }

    /// The labels of the dataset, in the set's order.
    fn chosen_labels(&self, wanted: &[String]) -> Result<Vec<String>, DatasetError> {
        let unknown: Vec<String> =
            wanted.iter().filter(|label| !self.classes.contains(label)).cloned().collect();
        if !unknown.is_empty() {
            let present = self.classes.clone();
            return Err(DatasetError::UnknownLabels {
                place: self.place.clone(),
                unknown,
                present,
            });
        }
        let is_chosen = |label: &&String| wanted.is_empty() || wanted.contains(label);
        Ok(self.classes.iter().filter(is_chosen).cloned().collect())
    }

    /// Entries whose file, or the same part of it, is listed with another label as well; nobody knows which is right.
    fn contradictory(&self) -> HashMap<usize, String> {
        let mut listed: HashMap<_, Vec<(usize, &str)>> = HashMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if let Ok(content) = &entry.content {
                let labels = listed.entry(key(&entry.path, content)).or_default();
                labels.push((index, &content.label));
            }
        }
        let mut reasons = HashMap::new();
        for entries in listed.into_values() {
            let labels: BTreeSet<&str> = entries.iter().map(|&(_, label)| label).collect();
            if labels.len() > 1 {
                let labels: Vec<String> = labels.iter().map(|label| format!("{label:?}")).collect();
                let reason = format!("is labelled {}", labels.join(" and "));
                reasons.extend(entries.iter().map(|&(index, _)| (index, reason.clone())));
            }
        }
        reasons
    }
}

type Part = (PathBuf, Option<std::time::Duration>, Option<std::time::Duration>);

/// The same for the same part of the same file, however the path is written and whatever links lead there.
fn key(path: &Path, content: &Content) -> Part {
    let span = content.span;
    let file = path.canonicalize().unwrap_or_else(|_| audio_file::plain(path));
    (file, span.map(|it| it.start), span.and_then(|it| it.end))
}

/// What is wrong with a file, as far as its metadata shows.
fn file_fault(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(file) if file.is_dir() => Some("is a folder, not a recording".to_owned()),
        Ok(file) if !file.is_file() => Some("is neither a file nor a folder".to_owned()),
        Ok(file) if file.len() == 0 => Some("is empty (0 bytes)".to_owned()),
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some("there is no such file".to_owned())
        }
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}
