//! Turns `[output.mqtt]` into what the client of a broker is made from, and finds labels in it that the model does not have.

use std::path::Path;

use super::AssemblyError;
use super::outputs::read_secret;
use crate::config::MqttConfig;
use crate::domain::{LabelSet, Overflow, nearest};
use crate::sinks::{MqttSpec, MqttTimes, Password, TlsRoots};

/// What the messages are about: the names of the sources, the model and its labels.
pub(super) struct MqttContents<'a> {
    pub(super) sources: Vec<String>,
    pub(super) model: &'a str,
    pub(super) labels: &'a LabelSet,
}

/// The broker and what it gets; its password and certificates are read.
///
/// # Errors
/// [`AssemblyError`]: a password or certificates that cannot be read.
pub(super) fn spec(
    config: &MqttConfig,
    contents: MqttContents<'_>,
    overflow: Overflow,
) -> Result<MqttSpec, AssemblyError> {
    let MqttContents { sources, model, labels } = contents;
    Ok(MqttSpec {
        address: config.address.clone(),
        tls: tls_roots(config)?,
        username: config.username.clone(),
        password: config.password_file.as_deref().map(read_password).transpose()?,
        client_id: config.client_id.clone(),
        topic: config.topic.clone(),
        discovery_prefix: config.discovery.then(|| config.discovery_prefix.clone()),
        sources,
        model: model.to_owned(),
        labels: labels.clone(),
        label_states: config.labels.clone(),
        times: MqttTimes::default(),
        capacity: MqttSpec::CAPACITY,
        overflow,
    })
}

/// Whom to trust, if anything is encrypted.
pub(super) fn tls_roots(config: &MqttConfig) -> Result<Option<TlsRoots>, AssemblyError> {
    Ok(match (config.tls, &config.ca_file) {
        (false, _) => None,
        (true, Some(path)) => Some(TlsRoots::open(path)?),
        (true, None) => Some(TlsRoots::of_system()?),
    })
}

/// Reads a password from its file, which nobody else may be able to read.
pub(super) fn read_password(path: &Path) -> Result<Password, AssemblyError> {
    let text = read_secret("password", path, Password::MAX_BYTES)?;
    Password::new(&text).ok_or_else(|| AssemblyError::NoPassword { path: path.to_owned() })
}

/// Labels that are to have a topic of their own, and that the model does not have.
pub(super) fn label_faults(config: &MqttConfig, labels: &LabelSet) -> Vec<String> {
    let unknown = config.labels.iter().filter(|name| labels.index_of(name).is_none());
    let fault = |name: &String| {
        let nearest = nearest(name, labels.iter().map(|label| &**label));
        let nearest = nearest.map(|it| format!("; did you mean {it:?}?")).unwrap_or_default();
        format!("the model has no label {name:?}{nearest}")
    };
    unknown.map(fault).collect()
}
