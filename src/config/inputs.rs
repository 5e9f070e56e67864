//! `[source]`, and the list of `[[input]]` that takes its place: where audio comes from. Called by `resolve`; main thread.

use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::resolved::{
    CommandConfig, FileConfig, HostChoice, InputConfig, MicrophoneConfig, Pace, SourceConfig,
    SourceKind, StdinConfig,
};
use super::section::{Section, argv, boolean, number, one_of, seconds, text, whole};
use crate::domain::SampleRate;
use crate::sources::{PcmSpec, SourceError};

/// Inputs that one daemon may have: two threads each.
const MAX_INPUTS: usize = 1_000;

/// The longest name; it stands in every record.
const MAX_NAME_BYTES: usize = 32;

/// Every input: each `[[input]]`, or else `[source]`, which is one without a name.
pub(super) fn read(
    root: &Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> Vec<InputConfig> {
    let (sections, usual) = (root.sections("input", "source"), root.section("source"));
    let is_beside = !sections.is_empty() && root.keys_in_file().contains(&"source".to_owned());
    if is_beside {
        let fault = "stands beside [[input]], which takes its place. Make it an [[input]] with a name, or remove it.";
        root.fault("source", fault.to_owned());
    }
    let usual = InputConfig { path: usual.path.clone(), name: None, source: source(usual, path) };
    if sections.is_empty() {
        return vec![usual];
    }
    if sections.len() > MAX_INPUTS {
        let count = sections.len();
        root.fault("input", format!("is there {count} times; at most {MAX_INPUTS} are possible."));
        return vec![usual];
    }
    let mut inputs: Vec<InputConfig> = Vec::with_capacity(sections.len());
    for section in sections {
        let name = section.optional("name", name);
        if name.is_none() && !section.keys_in_file().contains(&"name".to_owned()) {
            let fault =
                "has no name. Write name = \"garden\", or another one: its records bear it.";
            root.fault_at(&section.path, fault.to_owned());
        }
        if let Some(name) = &name
            && inputs.iter().any(|other| other.name.as_ref() == Some(name))
        {
            section.fault("name", format!("is {name:?}, and another input has that name too."));
        }
        let input = InputConfig { path: section.path.clone(), name, source: source(section, path) };
        if let Some((key, fault)) = inputs.iter().find_map(|other| collision(other, &input)) {
            root.fault_at(&format!("{}.{key}", input.path), fault);
        }
        inputs.push(input);
    }
    inputs
}

/// Why two inputs cannot both be, with the key of the second one that says so.
fn collision(first: &InputConfig, second: &InputConfig) -> Option<(&'static str, String)> {
    let (one, other) = (&first.source, &second.source);
    let named = first.name.as_ref().map_or(&first.path, |name| name);
    match (one.kind, other.kind) {
        (SourceKind::Stdin, SourceKind::Stdin) => Some((
            "kind",
            format!("is \"stdin\", which {named} reads already. There is one standard input."),
        )),
        (SourceKind::Microphone, SourceKind::Microphone) => {
            let (one, other) = (&one.microphone, &other.microphone);
            let both = (one.channel, other.channel);
            let is_same = one.device == other.device && one.host == other.host;
            let overlaps = !matches!(both, (Some(one), Some(other)) if one != other);
            (is_same && overlaps).then(|| {
                let device = other.device.as_deref().unwrap_or("default");
                let fault = format!(
                    "is {device:?}, which {named} listens to already. Name another device; `tympan devices` lists them. \
                     Two channels of one device may be two inputs, each with its `channel`."
                );
                ("microphone.device", fault)
            })
        }
        _ => None,
    }
}

/// What `name` has to be.
fn name(value: &DeValue<'_>) -> Result<String, String> {
    let fits = |name: &String| {
        name.len() <= MAX_NAME_BYTES
            && name.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    };
    text(value).ok().filter(fits).ok_or_else(|| {
        format!(
            "at most {MAX_NAME_BYTES} of the characters a to z, 0 to 9, _ and -, between quotes"
        )
    })
}

/// What a raw stream's format has to be.
fn pcm(value: &DeValue<'_>) -> Result<PcmSpec, String> {
    text(value)?
        .parse()
        .map_err(|error: SourceError| format!("FORMAT:RATE:CHANNELS as in s16le:48000:1 ({error})"))
}

fn source(
    section: Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> SourceConfig {
    let kinds = [
        ("microphone", SourceKind::Microphone),
        ("file", SourceKind::File),
        ("stdin", SourceKind::Stdin),
        ("command", SourceKind::Command),
        ("demo", SourceKind::Demo),
    ];
    let (file, stdin) = (section.section("file"), section.section("stdin"));
    let command = section.section("command");
    let paces = [("real-time", Pace::RealTime), ("fast", Pace::Fast)];
    let config = SourceConfig {
        kind: section.value("kind", one_of(&kinds)),
        ring: seconds(section.value("ring_s", number(0.1..=60.0))),
        microphone: microphone(section.section("microphone")),
        file: FileConfig {
            path: file.optional("path", path),
            pace: file.value("pace", one_of(&paces)),
            repeat: file.value("repeat", boolean),
            channel: channel(&file),
        },
        stdin: StdinConfig { format: stdin.value("format", pcm), channel: channel(&stdin) },
        command: CommandConfig {
            argv: command.optional("argv", argv).unwrap_or_default(),
            format: command.value("format", pcm),
            channel: channel(&command),
            lost_after: seconds(command.value("lost_after_s", number(0.5..=3_600.0))),
        },
    };
    let is_missing = |section: &Section<'_>, key: &str| {
        !section.keys_in_file().iter().any(|written| written == key)
    };
    if config.kind == SourceKind::File && is_missing(&file, "path") {
        let file = &file.path;
        let fault = format!(
            "is \"file\", and {file}.path is missing. Name the recording there, or choose another kind."
        );
        section.fault("kind", fault);
    }
    if config.kind == SourceKind::Command && is_missing(&command, "argv") {
        let command = &command.path;
        let fault = format!(
            "is \"command\", and {command}.argv is missing. Name the program there, or choose another kind."
        );
        section.fault("kind", fault);
    }
    file.end();
    stdin.end();
    command.end();
    section.end();
    config
}

/// The one channel to take, counted from 0; files count from 1.
fn channel(section: &Section<'_>) -> Option<u16> {
    section.optional("channel", whole(1..=256)).map(|channel| channel as u16 - 1)
}

fn microphone(section: Section<'_>) -> MicrophoneConfig {
    let hosts = [
        ("auto", HostChoice::Auto),
        ("alsa", HostChoice::Alsa),
        ("pulseaudio", HostChoice::PulseAudio),
    ];
    let device = section.value("device", text);
    let rates = u64::from(SampleRate::MIN_HZ)..=u64::from(SampleRate::MAX_HZ);
    let rate = section.optional("rate", whole(rates));
    let config = MicrophoneConfig {
        host: section.value("host", one_of(&hosts)),
        device: Some(device).filter(|device| device != "default"),
        channel: channel(&section),
        sample_rate: rate.and_then(|hz| SampleRate::new(hz as u32).ok()),
        buffer: Duration::from_millis(section.value("buffer_ms", whole(1..=1_000))),
        lost_after: seconds(section.value("lost_after_s", number(0.5..=3_600.0))),
        wait: section.value("wait", boolean),
        follow_default: section.value("follow_default", boolean),
    };
    section.end();
    config
}
