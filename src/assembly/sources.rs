//! Chooses the sources, by `--source` or the configuration, and opens them.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::AssemblyError;
use crate::config::{self, InputConfig, SourceConfig, SourceKind};
use crate::domain::Overflow;
use crate::domain::SampleRate;
use crate::live::{DaemonInput, Reopen};
use crate::sources::command::Restarts;
use crate::sources::microphone::{DeviceChoice, HostChoice};
use crate::sources::{
    ChannelSelection, ClipFile, Command, CommandSpec, Microphone, MicrophoneSpec, Pace, PcmSpec,
    ReaderSource, Repeat, SampleReader, Soundscape, Source, SourceError, StandardInput,
    UnavailableSource,
};

/// What sample indices count at before a device that is waited for says its own rate.
const USUAL_RATE_HZ: u32 = 48_000;

/// A source as `--source` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceChoice {
    /// `microphone`, or `microphone:ID`.
    Microphone(Option<String>),
    /// `file:PATH`.
    File(PathBuf),
    /// `stdin`, or `stdin:FORMAT:RATE:CHANNELS`.
    Stdin(Option<PcmSpec>),
    /// The program of `[source.command]`, which only a configuration names.
    Command,
    /// `demo`.
    Demo,
}

impl SourceChoice {
    /// What `choice` says, or else the configuration.
    ///
    /// # Errors
    /// [`AssemblyError::NoFile`].
    pub fn chosen(choice: Option<&Self>, config: &SourceConfig) -> Result<Self, AssemblyError> {
        if let Some(choice) = choice {
            return Ok(choice.clone());
        }
        Ok(match config.kind {
            SourceKind::Microphone => Self::Microphone(None),
            SourceKind::Demo => Self::Demo,
            SourceKind::Command => Self::Command,
            SourceKind::Stdin => Self::Stdin(None),
            SourceKind::File => Self::File(config.file.path.clone().ok_or(AssemblyError::NoFile)?),
        })
    }
}

impl FromStr for SourceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest).filter(|rest| !rest.is_empty())),
            None => (text, None),
        };
        match (kind, rest) {
            ("microphone" | "mic", id) => Ok(Self::Microphone(id.map(str::to_owned))),
            ("file", Some(path)) => Ok(Self::File(path.into())),
            ("file", None) => Err("file needs a path, as in file:recording.wav".into()),
            ("stdin", None) => Ok(Self::Stdin(None)),
            ("stdin", Some(spec)) => spec
                .parse()
                .map(|spec| Self::Stdin(Some(spec)))
                .map_err(|error: SourceError| error.to_string()),
            ("demo", None) => Ok(Self::Demo),
            ("demo", Some(_)) => Err("demo takes nothing after it".into()),
            (other, _) => Err(format!(
                "{other:?} is no source; use microphone[:ID], file:PATH, \
                 stdin[:FORMAT:RATE:CHANNELS] or demo"
            )),
        }
    }
}

/// Inputs whose sources are open.
pub(super) struct OpenInputs {
    /// Each with its source, in words as well, and how it is opened again after a loss, if it can be.
    pub(super) inputs: Vec<DaemonInput>,
    /// What to do when a queue is full: a device and real-time pace wait for nobody, a pipe and `--fast` do.
    pub(super) overflow: Overflow,
    /// Whether time is a place in a recording, and not that of the day.
    pub(super) is_recording: bool,
}

/// An input whose source is open, and what it has to say of the whole pipeline.
struct OpenSource {
    input: DaemonInput,
    overflow: Overflow,
    is_recording: bool,
}

/// How sources are opened, beside what the configuration says of each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Playback {
    /// The pace of recordings and of the demo; the configuration's without it.
    pub(super) pace: Option<Pace>,
    /// How much of a recording, of a stream or of the demo is read; all of it without it.
    pub(super) length: Option<Duration>,
}

/// Opens what `choice` says, or else every input of the configuration. Among several inputs, one of which waits for nobody, none
/// does: a recording plays in real time, and a pipe is read as it comes.
///
/// # Errors
/// [`AssemblyError::Source`] when a device or file cannot be used, [`AssemblyError::MixedPaces`], [`AssemblyError::NoFile`].
pub(super) fn open_inputs(
    choice: Option<&SourceChoice>,
    inputs: &[InputConfig],
    playback: Playback,
) -> Result<OpenInputs, AssemblyError> {
    let choices = match choice {
        Some(choice) => {
            let config = inputs.first().ok_or(AssemblyError::NoFile)?;
            vec![(choice.clone(), InputConfig { name: None, ..config.clone() })]
        }
        None => {
            let chosen = |config: &InputConfig| {
                Ok((SourceChoice::chosen(None, &config.source)?, config.clone()))
            };
            inputs.iter().map(chosen).collect::<Result<_, AssemblyError>>()?
        }
    };
    let is_live = choices.iter().any(|(choice, config)| match choice {
        SourceChoice::Microphone(_) | SourceChoice::Command => true,
        SourceChoice::File(_) => playback.file_pace(&config.source) == Pace::RealTime,
        SourceChoice::Demo => playback.demo_pace() == Pace::RealTime,
        SourceChoice::Stdin(_) => false,
    });
    let stream_pace = if is_live { Pace::AsItComes } else { Pace::AsFastAsPossible };
    let mut opened = Vec::with_capacity(choices.len());
    for (choice, config) in choices {
        let mut open = open_source(&choice, &config.source, playback, stream_pace)?;
        if is_live && open.overflow == Overflow::Block {
            return Err(AssemblyError::MixedPaces);
        }
        open.input.ring = config.source.ring;
        if let Some(name) = config.name {
            open.input.name = name.into();
        }
        opened.push(open);
    }
    let overflow = if is_live { Overflow::DropNewest } else { Overflow::Block };
    let is_recording = opened.iter().all(|open| open.is_recording);
    let inputs = opened.into_iter().map(|open| open.input).collect();
    Ok(OpenInputs { inputs, overflow, is_recording })
}

impl Playback {
    fn file_pace(self, config: &SourceConfig) -> Pace {
        self.pace.unwrap_or(match config.file.pace {
            config::Pace::Fast => Pace::AsFastAsPossible,
            config::Pace::RealTime => Pace::RealTime,
        })
    }

    fn demo_pace(self) -> Pace {
        self.pace.unwrap_or(Pace::RealTime)
    }
}

fn open_source(
    choice: &SourceChoice,
    config: &SourceConfig,
    playback: Playback,
    stream_pace: Pace,
) -> Result<OpenSource, AssemblyError> {
    let length = playback.length;
    match choice {
        SourceChoice::Microphone(_) | SourceChoice::Command if length.is_some() => {
            Err(AssemblyError::EndlessSource)
        }
        SourceChoice::Microphone(id) => open_microphone(id.as_deref(), config),
        SourceChoice::Command => Ok(command_of(config)),
        SourceChoice::File(path) => open_file(path, config, playback),
        SourceChoice::Stdin(spec) => open_stdin(*spec, config, stream_pace, length),
        SourceChoice::Demo => {
            let pace = playback.demo_pace();
            // nobody waits for the end of what goes on for ever at full speed
            let repeat = match (pace, length) {
                (Pace::AsFastAsPossible, None) => Repeat::Once,
                _ => Repeat::Forever,
            };
            let demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, repeat);
            Ok(fed(Box::new(demo), pace, length, "the demo".into()))
        }
    }
}

/// Opens the source for a look at its first samples: an absent device is not waited for, and what is read comes as fast as it
/// is taken, up to `length`.
///
/// # Errors
/// [`AssemblyError`] when it cannot be opened.
pub fn open_sample(
    choice: &SourceChoice,
    config: &SourceConfig,
    length: Duration,
) -> Result<DaemonInput, AssemblyError> {
    let mut config = config.clone();
    (config.microphone.wait, config.microphone.follow_default) = (false, false);
    let is_endless = matches!(choice, SourceChoice::Microphone(_) | SourceChoice::Command);
    let length = (!is_endless).then_some(length);
    let playback = Playback { pace: Some(Pace::AsFastAsPossible), length };
    Ok(open_source(choice, &config, playback, Pace::AsFastAsPossible)?.input)
}

impl From<config::HostChoice> for HostChoice {
    fn from(choice: config::HostChoice) -> Self {
        match choice {
            config::HostChoice::Auto => Self::Auto,
            config::HostChoice::Alsa => Self::Alsa,
            config::HostChoice::PulseAudio => Self::PulseAudio,
        }
    }
}

fn fed(
    reader: Box<dyn SampleReader>,
    pace: Pace,
    length: Option<Duration>,
    description: String,
) -> OpenSource {
    let overflow = match pace {
        Pace::RealTime | Pace::AsItComes => Overflow::DropNewest,
        Pace::AsFastAsPossible => Overflow::Block,
    };
    let is_recording = overflow == Overflow::Block;
    let source = ReaderSource::new(reader, pace);
    let source = Box::new(match length {
        Some(length) => source.at_most(length),
        None => source,
    });
    OpenSource {
        input: DaemonInput { description, ..DaemonInput::new(source) },
        overflow,
        is_recording,
    }
}

fn open_microphone(id: Option<&str>, config: &SourceConfig) -> Result<OpenSource, AssemblyError> {
    let microphone = &config.microphone;
    let device = id.or(microphone.device.as_deref()).unwrap_or("default");
    let spec = MicrophoneSpec {
        host: microphone.host.into(),
        device: device.into(),
        channels: selection_of(microphone.channel),
        latency: Some(microphone.buffer),
        sample_rate: microphone.sample_rate,
        silence_limit: microphone.lost_after,
        follow_default: microphone.follow_default,
    };
    match Microphone::open(&spec) {
        Ok(source) => {
            // the default may be another one by then; a device that was named is the very same
            let again = match spec.device {
                DeviceChoice::Default => spec,
                DeviceChoice::Named(_) => {
                    MicrophoneSpec { device: source.device_id().into(), ..spec }
                }
            };
            let description = source.description();
            Ok(microphone_of(Box::new(source), description, again))
        }
        Err(absence) if microphone.wait && absence.is_absence() => {
            let usual =
                SampleRate::new(USUAL_RATE_HZ).expect("invariant: a rate that devices have");
            let rate = spec.sample_rate.unwrap_or(usual);
            let unavailable = UnavailableSource::new("mic", rate, absence);
            Ok(microphone_of(Box::new(unavailable), format!("{device} (awaited)"), spec))
        }
        Err(error) => Err(AssemblyError::Source(error)),
    }
}

/// A microphone that is reopened with `again` whenever it was lost.
fn microphone_of(
    source: Box<dyn Source>,
    description: String,
    again: MicrophoneSpec,
) -> OpenSource {
    let reopen: Reopen =
        Arc::new(move || Microphone::open(&again).map(|it| Box::new(it) as Box<dyn Source>));
    let input = DaemonInput { description, reopen: Some(reopen), ..DaemonInput::new(source) };
    OpenSource { input, overflow: Overflow::DropNewest, is_recording: false }
}

/// A program that is started again, after a pause where it ends too often, whenever it has ended or fallen silent.
fn command_of(config: &SourceConfig) -> OpenSource {
    let config::CommandConfig { argv, format, channel, lost_after } = &config.command;
    let mut argv = argv.iter().cloned();
    let spec = CommandSpec {
        program: argv.next().unwrap_or_default(),
        arguments: argv.collect(),
        format: *format,
        channels: selection_of(*channel),
        lost_after: *lost_after,
    };
    let source = Box::new(Command::new(spec.clone()));
    let restarts = Restarts::default();
    restarts.pause(Instant::now());
    let reopen: Reopen = Arc::new(move || {
        std::thread::sleep(restarts.pause(Instant::now()));
        Ok(Box::new(Command::new(spec.clone())))
    });
    let input = DaemonInput { reopen: Some(reopen), ..DaemonInput::new(source) };
    OpenSource { input, overflow: Overflow::DropNewest, is_recording: false }
}

fn open_file(
    path: &Path,
    config: &SourceConfig,
    playback: Playback,
) -> Result<OpenSource, AssemblyError> {
    let pace = playback.file_pace(config);
    if path.is_dir() {
        return Err(AssemblyError::Source(SourceError::IsFolder { path: path.to_owned() }));
    }
    let repeat = if config.file.repeat { Repeat::Forever } else { Repeat::Once };
    let file = ClipFile::open_channel(path, repeat, selection_of(config.file.channel))
        .map_err(AssemblyError::Source)?;
    let open = fed(Box::new(file), pace, playback.length, path.display().to_string());
    Ok(OpenSource { is_recording: true, ..open })
}

/// A pipe has its own pace. Where everybody waits, a full ring holds it back.
fn open_stdin(
    spec: Option<PcmSpec>,
    config: &SourceConfig,
    pace: Pace,
    length: Option<Duration>,
) -> Result<OpenSource, AssemblyError> {
    let spec = spec.unwrap_or(config.stdin.format);
    let selection = selection_of(config.stdin.channel);
    let input = StandardInput::open(spec, selection).map_err(AssemblyError::Source)?;
    let description = input.description();
    let mut open = fed(Box::new(input), pace, length, description);
    open.input.is_stream = true;
    Ok(open)
}

fn selection_of(channel: Option<u16>) -> ChannelSelection {
    channel.map_or(ChannelSelection::Mix, ChannelSelection::One)
}
