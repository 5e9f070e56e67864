//! Layer 7: the configuration, from the file as written to values that can be used, or to all of its faults at once.
//!
//! [`ParsedConfig`] reads a file and looks at every key in one pass; [`Config`] is what comes of it. `config.toml` at the
//! repository root is built in: it is the documentation, the default, and the value of every key a file leaves out.
//! Whatever needs the model's labels is checked by [`ParsedConfig::finish_for`] or [`Config::detector_spec`]. Nothing here
//! prints, opens a device or loads a model: `cli` turns these values into the specs of sources and sinks. All of it runs
//! on the main thread, before any other is there.

mod detector;
mod file;
mod inputs;
mod position;
mod problem;
mod resolve;
mod resolved;
mod section;
mod shortened;

pub use file::ParsedConfig;
pub use position::Position;
pub use problem::{ConfigError, ConfigProblem, ConfigProblems};
pub use resolved::{
    ClipsConfig, CommandConfig, CommandOutputConfig, Config, DetectorConfig, Engine, FileConfig,
    HostChoice, InputConfig, LogFileConfig, MicrophoneConfig, MqttConfig, OutputConfig, Pace,
    SocketsConfig, SourceConfig, SourceKind, StdinConfig, StdoutConfig, StdoutFormat, TcpConfig,
    UnixConfig, WebConfig,
};
