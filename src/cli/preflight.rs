//! What `run` would refuse beyond the file itself: labels that the model does not have, a token that cannot be read, places
//! that cannot be written. Asked by `check`, which opens nothing for good, and by `run` before it opens anything.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::path::Path;

use super::{Failure, clips, sinks};
use crate::config::{Config, ConfigProblem, ConfigProblems};
use crate::files;
use crate::recognition::DetectorSpec;
use crate::sinks::{LogFile, LogFileSpec, SinkError};

/// Every fault, with its place in the configuration.
///
/// # Errors
/// The faults, if there are any.
pub fn check(config: &Config, detector: &DetectorSpec) -> Result<(), ConfigProblems> {
    let mut problems = clip_labels(config, detector);
    let mut fault = |key: &str, failure: Failure| {
        problems.push(config.problem(key, failure.to_string()));
    };
    let output = &config.output;
    if let Some(log_file) = &output.log_file
        && let Err(error) = LogFile::probe(&LogFileSpec::new(&log_file.path))
    {
        fault("output.log_file.path", Failure::usage(error));
    }
    if let Some(unix) = &output.unix
        && let Err(source) = files::probe_folder(files::folder_of(&unix.path))
    {
        let path = unix.path.clone();
        fault("output.unix.path", Failure::usage(SinkError::UnixSocket { path, source }));
    }
    if let Some(tcp) = &output.tcp {
        if let Some(Err(failure)) = tcp.token_file.as_deref().map(sinks::read_token) {
            fault("output.tcp.token_file", failure);
        }
        // another daemon may run with this very configuration
        if let Err(source) = TcpListener::bind(tcp.address)
            && source.kind() != ErrorKind::AddrInUse
        {
            let address = tcp.address;
            fault("output.tcp.address", Failure::usage(SinkError::Address { address, source }));
        }
    }
    if config.clips.enabled
        && let Err(source) = future_folder(&config.clips.folder)
    {
        let folder = config.clips.folder.clone();
        fault("clips.folder", Failure::usage(SinkError::ClipFolder { folder, source }));
    }
    if problems.is_empty() { Ok(()) } else { Err(ConfigProblems::in_order(problems)) }
}

/// Labels of `[clips]` that the model does not have, or that never become events.
fn clip_labels(config: &Config, detector: &DetectorSpec) -> Vec<ConfigProblem> {
    let faults = clips::label_faults(&config.clips, detector).into_iter();
    faults.map(|(key, message)| config.problem(key, message)).collect()
}

/// A folder that is there, or that can be made where its nearest parent is.
fn future_folder(folder: &Path) -> io::Result<()> {
    let nearest = folder.ancestors().find(|parent| parent.exists());
    files::probe_folder(nearest.filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}
