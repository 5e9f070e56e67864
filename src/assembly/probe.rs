//! What a daemon would refuse beyond the configuration's own rules: labels that the model does not have, a secret, certificates or
//! a recording that cannot be read, places that cannot be written. Opens nothing for good; asked by `check`, and by `run` before it opens
//! anything.

use std::io::ErrorKind;
use std::net::TcpListener;

use super::error::in_full;
use super::{AssemblyError, clips, mqtt, outputs};
use crate::config::{Config, ConfigProblem, ConfigProblems, InputConfig, SourceKind};
use crate::files;
use crate::programs;
use crate::recognition::DetectorSpec;
use crate::sinks::{LogFile, LogFileSpec, SinkError};
use crate::sources::{ClipFile, Repeat, SourceError};

/// Every fault, with its place in the configuration; those of labels only with the rules of a model.
pub(super) fn problems(config: &Config, detector: Option<&DetectorSpec>) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if let Some(detector) = detector {
        problems.extend(clip_labels(config, detector));
        problems.extend(command_labels(config, detector));
        let of_mqtt =
            config.output.mqtt.iter().flat_map(|it| mqtt::label_faults(it, detector.labels()));
        problems.extend(of_mqtt.map(|fault| config.problem("output.mqtt.labels", fault)));
    }
    let mut fault = |key: &str, error: AssemblyError| {
        problems.push(config.problem(key, in_full(&error)));
    };
    for InputConfig { path: input, source, .. } in &config.inputs {
        if source.kind == SourceKind::File
            && let Some(path) = &source.file.path
            && let Err(error) = ClipFile::open(path, Repeat::Once)
        {
            fault(&format!("{input}.file.path"), AssemblyError::Source(error));
        }
        if source.kind == SourceKind::Command
            && let Some(error) = no_program(&source.command.argv)
        {
            fault(&format!("{input}.command.argv"), error);
        }
    }
    let output = &config.output;
    if let Some(command) = &output.command
        && let Some(error) = no_program(&command.argv)
    {
        fault("output.command.argv", error);
    }
    if let Some(log_file) = &output.log_file
        && let Err(error) = LogFile::probe(&LogFileSpec::new(&log_file.path))
    {
        fault("output.log_file.path", error.into());
    }
    if let Some(unix) = &output.unix
        && let Err(source) = files::probe_folder(files::folder_of(&unix.path))
    {
        let path = unix.path.clone();
        fault("output.unix.path", SinkError::UnixSocket { path, source }.into());
    }
    if let Some(tcp) = &output.tcp {
        if let Some(Err(error)) = tcp.token_file.as_deref().map(outputs::read_token) {
            fault("output.tcp.token_file", error);
        }
        // another daemon may run with this very configuration
        if let Err(source) = TcpListener::bind(tcp.address)
            && source.kind() != ErrorKind::AddrInUse
        {
            let address = tcp.address;
            fault("output.tcp.address", SinkError::Address { address, source }.into());
        }
    }
    if let Some(mqtt) = &output.mqtt {
        if let Some(Err(error)) = mqtt.password_file.as_deref().map(mqtt::read_password) {
            fault("output.mqtt.password_file", error);
        }
        if let Err(error) = mqtt::tls_roots(mqtt) {
            let key =
                if mqtt.ca_file.is_some() { "output.mqtt.ca_file" } else { "output.mqtt.tls" };
            fault(key, error);
        }
    }
    if config.clips.enabled
        && let Err(source) = files::probe_folder(files::nearest_folder(&config.clips.folder))
    {
        let folder = config.clips.folder.clone();
        fault("clips.folder", SinkError::ClipFolder { folder, source }.into());
    }
    problems
}

/// Why a command can never run.
fn no_program(argv: &[String]) -> Option<AssemblyError> {
    let program = argv.first().filter(|program| !programs::is_program(program))?;
    let source = ErrorKind::NotFound.into();
    Some(AssemblyError::Source(SourceError::CommandStart { program: program.clone(), source }))
}

/// Labels of `[output.command]` that the model does not have, or that never become events.
fn command_labels(config: &Config, detector: &DetectorSpec) -> Vec<ConfigProblem> {
    let labels = config.output.command.iter().flat_map(|command| &command.labels);
    let faults = labels.filter_map(|name| clips::label_fault(name, detector));
    faults.map(|fault| config.problem("output.command.labels", fault)).collect()
}

/// Checks the labels of `[clips]` against a model's.
///
/// # Errors
/// Labels that the model does not have, or that never become events.
pub(super) fn check_clips(config: &Config, detector: &DetectorSpec) -> Result<(), ConfigProblems> {
    let problems = clip_labels(config, detector);
    if problems.is_empty() { Ok(()) } else { Err(ConfigProblems::of(problems, "")) }
}

/// Labels of `[clips]` that the model does not have, or that never become events.
fn clip_labels(config: &Config, detector: &DetectorSpec) -> Vec<ConfigProblem> {
    let faults = clips::label_faults(&config.clips, detector).into_iter();
    faults.map(|(key, message)| config.problem(key, message)).collect()
}
