//! The configuration as values that can be used. Made by `resolve`; `cli` turns them into the specs of sources, sinks
//! and the recogniser, on the main thread.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use super::position::Places;
use crate::domain::SampleRate;
use crate::recognition::DetectorSettings;
use crate::sinks::BrokerAddress;
use crate::sources::PcmSpec;

/// A checked configuration. [`Config::default`] is the built-in one.
///
/// Everything may be changed afterwards, by command-line options say; what depends on the model is checked by
/// [`Config::detector_spec`].
///
/// ```
/// use tympan::config::Config;
///
/// let config = Config::from_str("my.toml", "[detector]\nmin_level_dbfs = -50.0\n")?;
/// assert_eq!(config.detector.settings.min_level_dbfs, -50.0);
/// let problems = Config::from_str("my.toml", "[detector]\nmin_level = -50.0\n").unwrap_err();
/// assert!(problems.to_string().starts_with("my.toml:2: detector.min_level is no key"));
/// # Ok::<(), tympan::config::ConfigProblems>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Folder of the model bundle.
    pub model: PathBuf,
    /// Where audio comes from, at least one: `[source]`, or each `[[input]]`.
    pub inputs: Vec<InputConfig>,
    /// When events begin and end.
    pub detector: DetectorConfig,
    /// Where records go.
    pub output: OutputConfig,
    /// `[clips]`.
    pub clips: ClipsConfig,
    /// What scores windows.
    pub engine: Engine,
    /// Threads of libtorch, where it is the engine.
    pub torch_threads: usize,
    /// The hash of the TorchScript module that may run; none: none may, unless its bundle is named on a command line.
    pub torchscript: Option<String>,
    /// The program's own log.
    pub log_level: LevelFilter,
    pub(super) origin: Origin,
}

/// The file a configuration came from, for faults that show only with a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Origin {
    pub file: String,
    pub text: String,
    pub places: Places,
}

/// What scores windows. The scores are equal within 1e-4, which every start of a build with libtorch checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// tympan's own, which computes only the frames that the window before did not have.
    #[default]
    Incremental,
    /// libtorch, each window from scratch: the reference, some thirty times slower.
    Libtorch,
}

/// `[source]`, or an `[[input]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct InputConfig {
    /// Where it stands in the file: `source`, or `input[1]` for the first of several.
    pub path: String,
    /// The name in its records; none: the source's own.
    pub name: Option<String>,
    /// Where its audio comes from.
    pub source: SourceConfig,
}

/// What `[source]` and each `[[input]]` hold.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceConfig {
    /// Which of the sources.
    pub kind: SourceKind,
    /// How much audio the capture buffer holds.
    pub ring: Duration,
    /// `[source.microphone]`.
    pub microphone: MicrophoneConfig,
    /// `[source.file]`.
    pub file: FileConfig,
    /// `[source.stdin]`.
    pub stdin: StdinConfig,
    /// `[source.command]`.
    pub command: CommandConfig,
}

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A capture device.
    Microphone,
    /// A recording.
    File,
    /// Raw samples from standard input.
    Stdin,
    /// What a program writes to its standard output.
    Command,
    /// The synthesised soundscape.
    Demo,
}

/// `[source.microphone]`.
#[derive(Debug, Clone, PartialEq)]
pub struct MicrophoneConfig {
    /// The audio system.
    pub host: HostChoice,
    /// A device's stable id; none: the default one.
    pub device: Option<String>,
    /// The one channel to take, counted from 0 (the file counts from 1); none: the mean of all.
    pub channel: Option<u16>,
    /// The rate to ask for; none: the device's own.
    pub sample_rate: Option<SampleRate>,
    /// Audio a callback should bring.
    pub buffer: Duration,
    /// A device that delivers nothing for this long is lost.
    pub lost_after: Duration,
    /// Whether a device that is absent at the start is waited for.
    pub wait: bool,
    /// Whether the default device is followed when it becomes another one.
    pub follow_default: bool,
}

/// The audio systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostChoice {
    /// The first that answers.
    Auto,
    /// ALSA.
    Alsa,
    /// PulseAudio, or PipeWire in its place.
    PulseAudio,
}

/// `[source.file]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FileConfig {
    /// The recording; there whenever the kind is `file`.
    pub path: Option<PathBuf>,
    /// How fast it plays.
    pub pace: Pace,
    /// Whether it begins again at its end.
    pub repeat: bool,
    /// The one channel to take, counted from 0 (the file counts from 1); none: the mean of all.
    pub channel: Option<u16>,
}

/// How fast a recording plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A second a second.
    RealTime,
    /// At real-time pace.
    Fast,
}

/// `[source.stdin]`.
#[derive(Debug, Clone, PartialEq)]
pub struct StdinConfig {
    /// Sample format, rate and channels.
    pub format: PcmSpec,
    /// The one channel to take, counted from 0 (the file counts from 1); none: the mean of all.
    pub channel: Option<u16>,
}

/// `[source.command]`.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandConfig {
    /// The program and its arguments; there whenever it is the source.
    pub argv: Vec<String>,
    /// Sample format, rate and channels.
    pub format: PcmSpec,
    /// The one channel to take, counted from 0 (the file counts from 1); none: the mean of all.
    pub channel: Option<u16>,
    /// Silence on its output after which it is lost, and started again.
    pub lost_after: Duration,
}

/// `[detector]`.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorConfig {
    /// Time constant of the smoothing; zero: none.
    pub smoothing: Duration,
    /// The rules, to be checked against a model.
    pub settings: DetectorSettings,
}

/// `[output]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputConfig {
    /// Labels in a window record.
    pub top_labels: usize,
    /// `[output.stdout]`; none: not enabled.
    pub stdout: Option<StdoutConfig>,
    /// `[output.log_file]`; none: not enabled.
    pub log_file: Option<LogFileConfig>,
    /// `[output.unix]`; none: not enabled.
    pub unix: Option<UnixConfig>,
    /// `[output.tcp]`; none: not enabled.
    pub tcp: Option<TcpConfig>,
    /// `[output.web]`; none: not enabled.
    pub web: Option<WebConfig>,
    /// `[output.command]`; none: not enabled.
    pub command: Option<CommandOutputConfig>,
    /// `[output.mqtt]`, if it is enabled.
    pub mqtt: Option<MqttConfig>,
    /// `[output.sockets]`: what holds for all three.
    pub sockets: SocketsConfig,
}

/// `[output.stdout]`.
#[derive(Debug, Clone, PartialEq)]
pub struct StdoutConfig {
    /// How records look.
    pub format: StdoutFormat,
    /// Whether window records are written; none: as JSON Lines, not as text.
    pub windows: Option<bool>,
}

/// How records look on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StdoutFormat {
    /// Text on a terminal, JSON Lines elsewhere.
    Auto,
    /// For people.
    Text,
    /// For programs.
    JsonLines,
}

/// `[output.log_file]`.
///
/// # Units
/// A MB is 1,000,000 bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFileConfig {
    /// The file being written.
    pub path: PathBuf,
    /// Whether window records are written.
    pub windows: bool,
    /// Size at which a new file is begun.
    pub max_size_bytes: u64,
    /// Age at which a new file is begun.
    pub max_age: Duration,
    /// The cap on all files together; at least `max_size_bytes`.
    pub max_total_bytes: u64,
}

/// `[output.unix]`.
#[derive(Debug, Clone, PartialEq)]
pub struct UnixConfig {
    /// The socket.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

/// `[output.tcp]`.
#[derive(Debug, Clone, PartialEq)]
pub struct TcpConfig {
    /// Where to listen.
    pub address: SocketAddr,
    /// File with the secret that clients send first; there whenever the address is not of this machine alone.
    pub token_file: Option<PathBuf>,
}

/// `[output.web]`.
#[derive(Debug, Clone, PartialEq)]
pub struct WebConfig {
    /// Where to listen.
    pub address: SocketAddr,
    /// Names of this machine beside its addresses and `localhost`.
    pub hosts: Vec<String>,
    /// File with the secret that browsers show; there whenever the address is not of this machine alone.
    pub token_file: Option<PathBuf>,
}

/// `[output.command]`.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandOutputConfig {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Labels whose events it is run for; empty: every label's.
    pub labels: Vec<String>,
    /// So many runs a minute at most.
    pub max_per_minute: usize,
    /// A run that takes longer is ended.
    pub timeout: Duration,
}

/// `[output.mqtt]`.
#[derive(Debug, Clone, PartialEq)]
pub struct MqttConfig {
    /// Where the broker listens.
    pub address: BrokerAddress,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// File with the certificates that are trusted; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// The user's name.
    pub username: Option<String>,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// The client's name.
    pub client_id: String,
    /// What all topics begin with.
    pub topic: String,
    /// Whether Home Assistant is told what there is.
    pub discovery: bool,
    /// What the topics of discovery begin with.
    pub discovery_prefix: String,
    /// Labels that have a topic and an entity of their own.
    pub labels: Vec<String>,
}

/// `[clips]`.
///
/// # Units
/// A MB is 1,000,000 bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipsConfig {
    /// Whether anything is recorded at all.
    pub enabled: bool,
    /// Where the files go.
    pub folder: PathBuf,
    /// Events of these labels are kept.
    pub labels: Vec<String>,
    /// A clip that contains one of these is not.
    pub deny: Vec<String>,
    /// Audio before the event.
    pub before: Duration,
    /// Audio after it.
    pub after: Duration,
    /// A longer clip is cut off.
    pub longest: Duration,
    /// All clips together take no more than this.
    pub max_total_bytes: u64,
    /// Older ones are deleted.
    pub max_age: Duration,
}

/// `[output.sockets]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SocketsConfig {
    /// Clients served at once.
    pub max_clients: usize,
    /// How long a client may lag behind.
    pub patience: Duration,
}
