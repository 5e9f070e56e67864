//! What can be wrong with a dataset on disk.

use std::path::PathBuf;

/// A dataset that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The folder does not look like a known layout.
    #[error("{}: no {looked_for} there; `--data` takes a folder laid out as ESC-50 is: meta/esc50.csv and audio/", folder.display())]
    Layout {
        /// The folder that was named.
        folder: PathBuf,
        /// The file that is missing.
        looked_for: &'static str,
    },
    /// The table cannot be read.
    #[error("{}: {source}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// The library's words, with the line.
        source: csv::Error,
    },
    /// Classes that do not number 0, 1, 2, …, or a class of two names.
    #[error("{}: target {target} is called {found:?}; {expected}", path.display())]
    Target {
        /// The table.
        path: PathBuf,
        /// The class's number.
        target: usize,
        /// Its name, or nothing.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A licence was chosen that no row has, or there are no rows.
    #[error("{}: licences {licences:?} were chosen; the column `license` has {present:?}", path.display())]
    NothingLeft {
        /// The table.
        path: PathBuf,
        /// The licences asked for.
        licences: Vec<String>,
        /// The licences there are.
        present: Vec<String>,
    },
    /// Labels that cannot be a label set.
    #[error("{}: {source}", path.display())]
    Labels {
        /// The table.
        path: PathBuf,
        /// What is wrong with them.
        source: crate::domain::DomainError,
    },
}
