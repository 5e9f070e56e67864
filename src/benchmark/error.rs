//! What keeps a benchmark from being made, or compared.

use crate::protocol::ClientError;
use std::path::PathBuf;

use crate::features::FeatureError;
use crate::live::LiveError;
use crate::offline::ScanError;
use crate::recognition::RecognitionError;
use crate::sinks::SinkError;
use crate::sources::SourceError;

/// A measurement that failed, or a baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchmarkError {
    /// The baseline cannot be read.
    #[error("cannot read the baseline {}", path.display())]
    NoBaseline {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The baseline is no JSON.
    #[error("the baseline {} is no JSON; make it again with `tympan bench --save`", path.display())]
    NoJson {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The baseline is another version's.
    #[error(
        "the baseline {} has the format {found}, and {expected:?} is expected; make it again with `tympan bench --save`",
        path.display()
    )]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: String,
        /// The format of this version.
        expected: &'static str,
    },
    /// The baseline lacks a figure.
    #[error("the baseline {} is damaged; make it again with `tympan bench --save`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The baseline is about something else.
    #[error(
        "{} is the baseline of another {what}: {then:?} there, {now:?} here. Compare like with like, or make a baseline of \
         this one with --save",
        path.display()
    )]
    OtherSubject {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// The baseline's.
        then: String,
        /// This one's.
        now: String,
    },
    /// No file can stand where the report is to be kept.
    #[error("--save {}: {fault}; name a file", path.display())]
    Place {
        /// As named.
        path: PathBuf,
        /// Why not.
        fault: &'static str,
    },
    /// The report cannot be kept.
    #[error("cannot write the baseline {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no place for the socket.
    #[error("cannot make a folder for the socket; set TMPDIR to one that can be written")]
    SocketFolder {
        /// Why.
        source: std::io::Error,
    },
    /// The socket cannot be opened.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The system refuses a connection or a thread.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// The client lost its connection.
    #[error("the bench's client cannot read")]
    ClientRead {
        /// Why.
        source: ClientError,
    },
    /// The daemon wrote what is no record.
    #[error("a line at the client is no record: {line}")]
    ClientLine {
        /// The line.
        line: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The client's thread panicked.
    #[error("the bench's client panicked")]
    ClientPanicked,
    /// A signal ended the measurement.
    #[error("interrupted; nothing is reported")]
    Interrupted,
    /// The daemon failed.
    #[error(transparent)]
    Daemon(#[from] LiveError),
    /// The demo failed.
    #[error(transparent)]
    Demo(#[from] SourceError),
    /// The front end cannot be computed at the demo's rate.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The rules do not fit the model.
    #[error(transparent)]
    Recognition(#[from] RecognitionError),
    /// The network failed.
    #[error(transparent)]
    Scan(#[from] ScanError),
}
