//! What can be wrong with a dataset as a whole, and with one of its recordings: each is reported with its reason, and none ends
//! the reading. Made by the readers and by whoever loads clips; the caller decides whether to go on without them.

use std::fmt;
use std::path::PathBuf;

/// One recording that cannot be used: missing, unreadable, empty or mislabelled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClipFault {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, in words that go on after the path, with the table's line where it stands in one.
    pub reason: String,
    /// The fold it is listed in, where that is known.
    pub fold: Option<u32>,
}

impl fmt::Display for ClipFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// What to do where a table lies beside class folders by chance.
const FOLDERS_INSTEAD: &str = "If the folders beside it are the classes, say --layout folders";

/// A dataset that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Nothing is at the path.
    #[error("{}: there is no such folder or file", path.display())]
    Absent {
        /// As given.
        path: PathBuf,
    },
    /// The folder has no known layout.
    #[error(
        "{}: no layout of a dataset that tympan knows. Looked for {looked_for}. {mend}",
        path.display()
    )]
    NoLayout {
        /// The folder that was named.
        path: PathBuf,
        /// What each layout is known by.
        looked_for: String,
        /// What to do.
        mend: &'static str,
    },
    /// The layout was named, and is not there.
    #[error("{}: not laid out as {layout}: no {looked_for} there", path.display())]
    Layout {
        /// The folder that was named.
        path: PathBuf,
        /// The name of the layout that was named.
        layout: &'static str,
        /// What is missing.
        looked_for: &'static str,
    },
    /// More than one CSV that could be the table.
    #[error(
        "{}: several tables with the columns path and label: {}; name the one that is meant",
        folder.display(), tables.join(", ")
    )]
    SeveralTables {
        /// The folder.
        folder: PathBuf,
        /// Their names.
        tables: Vec<String>,
    },
    /// A name that means nothing here.
    #[error("there is no {what} {given:?}; there are: {known}")]
    UnknownName {
        /// What it should name.
        what: &'static str,
        /// As given.
        given: String,
        /// The names there are.
        known: String,
    },
    /// A part that this dataset does not have.
    #[error("{}: the subset esc10 is part of ESC-50, recognised by its table's column esc10; there is none here", place.display())]
    NoSubset {
        /// The table, or the folder.
        place: PathBuf,
    },
    /// The table cannot be read.
    #[error("{}: the table cannot be read", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// The library's words, with the line.
        source: csv::Error,
    },
    /// A table of which nothing can be read.
    #[error("{}: {reason}. {FOLDERS_INSTEAD}", path.display())]
    TableUnread {
        /// The table.
        path: PathBuf,
        /// Why, and how to mend it.
        reason: String,
    },
    /// A table of recordings that does not say plainly what they are.
    #[error("{}:{line}: {reason}. {FOLDERS_INSTEAD}", path.display())]
    Unclear {
        /// The table.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is not plain, and how to mend it.
        reason: String,
    },
    /// The file that was named says of no recording what it is.
    #[error(
        "{}: no table of labels: it needs a column path with the recordings, and a column label with their classes",
        path.display()
    )]
    NoLabelTable {
        /// The file.
        path: PathBuf,
    },
    /// A class whose name is no text.
    #[error("{}: the folder's name is not UTF-8, so the class has no name; rename it (convmv does it for many)", path.display())]
    NotUtf8 {
        /// The folder.
        path: PathBuf,
    },
    /// A folder cannot be read.
    #[error("{}: the folder cannot be read", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A column that is needed is not there.
    #[error("{}:1: no column {missing:?}; the header has {}", path.display(), found.join(", "))]
    Column {
        /// The table.
        path: PathBuf,
        /// The column's name.
        missing: String,
        /// The columns there are.
        found: Vec<String>,
    },
    /// A licence was chosen that no row has.
    #[error("{}: licences {licences:?} were chosen; the column `license` has {present:?}", place.display())]
    Licence {
        /// The table, or the folder.
        place: PathBuf,
        /// The licences asked for.
        licences: Vec<String>,
        /// The licences there are.
        present: Vec<String>,
    },
    /// Classes were chosen that the set does not have.
    #[error("{}: no class {}; there are {}", place.display(), unknown.join(", "), present.join(", "))]
    UnknownLabels {
        /// The table, or the folder.
        place: PathBuf,
        /// The classes asked for that are not there.
        unknown: Vec<String>,
        /// The classes there are.
        present: Vec<String>,
    },
    /// Labels that cannot be a label set.
    #[error("{}: {source}", place.display())]
    Labels {
        /// The table, or the folder.
        place: PathBuf,
        /// What is wrong with them.
        source: crate::domain::DomainError,
    },
    /// Not one recording can be used.
    #[error("{}: {}", place.display(), none_left(faults))]
    NoClips {
        /// The table, or the folder.
        place: PathBuf,
        /// Why each cannot.
        faults: Vec<ClipFault>,
    },
    /// Some recordings cannot be used, and the caller did not ask to go on without them.
    #[error("{} of the {recordings} recordings cannot be used:\n{}", faults.len(), list(faults))]
    Faulty {
        /// How many recordings there are, these included.
        recordings: usize,
        /// Each with its reason.
        faults: Vec<ClipFault>,
    },
}

fn list(faults: &[ClipFault]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}

/// The first few are as good as thousands of the same kind.
fn none_left(faults: &[ClipFault]) -> String {
    const SHOWN: usize = 3;
    let Some(rest) = faults.len().checked_sub(SHOWN) else {
        return match faults {
            [] => "it names no recording".to_owned(),
            some => format!("none of its recordings can be used:\n{}", list(some)),
        };
    };
    let more = if rest == 0 { String::new() } else { format!("\n  and {rest} more") };
    let (all, first) = (faults.len(), list(&faults[..SHOWN]));
    format!("none of its {all} recordings can be used:\n{first}{more}")
}
