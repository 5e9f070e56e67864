//! From the tables of a file to values. Called by `ParsedConfig`; the order here is the order of `config.toml`; main thread.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::LevelFilter;
use nix::unistd::gethostname;
use toml::de::DeValue;

use super::resolved::{
    ClipsConfig, CommandOutputConfig, Config, Engine, LogFileConfig, MqttConfig, Origin,
    OutputConfig, SocketsConfig, StdoutConfig, StdoutFormat, TcpConfig, UnixConfig, WebConfig,
};
use super::section::{Section, argv, boolean, number, one_of, seconds, text, texts, whole};
use super::{detector, inputs};
use crate::sinks::BrokerAddress;

const BYTES_PER_MB: u64 = 1_000_000;

/// Reads every key there is; relative paths start at `folder`. The origin is left empty.
pub(super) fn config(root: Section<'_>, folder: &Path) -> Config {
    let path = path_below(folder);
    let (runtime, log) = (root.section("runtime"), root.section("log"));
    let config = Config {
        model: root.value("model", &path),
        inputs: inputs::read(&root, &path),
        detector: detector::read(root.section("detector")),
        output: output(root.section("output"), &path),
        clips: clips(root.section("clips"), &path),
        engine: runtime.value("engine", engine),
        torch_threads: runtime.value("torch_threads", whole(1..=64)) as usize,
        torchscript: runtime.optional("torchscript", sha256),
        log_level: log.value("level", one_of(&LEVELS)),
        origin: Origin::default(),
    };
    runtime.end();
    log.end();
    root.end();
    config
}

/// What `runtime.engine` names, if this program has it.
fn engine(value: &DeValue<'_>) -> Result<Engine, String> {
    let engines = [("incremental", Engine::Incremental), ("libtorch", Engine::Libtorch)];
    match one_of(&engines)(value)? {
        Engine::Libtorch if cfg!(not(feature = "torch")) => {
            Err("\"incremental\": this tympan was built without libtorch".to_owned())
        }
        engine => Ok(engine),
    }
}

/// What `runtime.torchscript` has to be.
fn sha256(value: &DeValue<'_>) -> Result<String, String> {
    const DIGITS: usize = 64;
    let hash = value.as_str().map(str::to_lowercase).unwrap_or_default();
    if hash.len() == DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        Ok(hash)
    } else {
        Err("the SHA-256 of the module, 64 hexadecimal digits between quotes, as `sha256sum` prints it".into())
    }
}

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::Off),
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
    ("trace", LevelFilter::Trace),
];

/// Turns a text into a path below `folder`.
fn path_below(folder: &Path) -> impl Fn(&DeValue<'_>) -> Result<PathBuf, String> {
    move |value| {
        let path = text(value).map_err(|_| "a path between quotes".to_owned())?;
        if path.starts_with('~') {
            return Err("a path without ~, which only shells understand".to_owned());
        }
        Ok(folder.join(path))
    }
}

fn output(
    section: Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> OutputConfig {
    let sockets = section.section("sockets");
    let config = OutputConfig {
        top_labels: section.value("top_labels", whole(1..=1_000)) as usize,
        stdout: stdout(section.section("stdout")),
        log_file: log_file(section.section("log_file"), path),
        unix: unix(section.section("unix"), path),
        tcp: tcp(section.section("tcp"), path),
        web: web(section.section("web"), path),
        command: command(section.section("command")),
        mqtt: mqtt(section.section("mqtt"), path),
        sockets: SocketsConfig {
            max_clients: sockets.value("max_clients", whole(1..=10_000)) as usize,
            patience: seconds(sockets.value("patience_s", number(1.0..=3_600.0))),
        },
    };
    sockets.end();
    section.end();
    config
}

fn command(section: Section<'_>) -> Option<CommandOutputConfig> {
    let enabled = section.value("enabled", boolean);
    let config = CommandOutputConfig {
        argv: section.optional("argv", argv).unwrap_or_default(),
        labels: section.value("labels", texts),
        max_per_minute: section.value("max_per_minute", whole(1..=6_000)) as usize,
        timeout: seconds(section.value("timeout_s", number(0.1..=3_600.0))),
    };
    if enabled && !section.keys_in_file().iter().any(|key| key == "argv") {
        let fault = "is true, and output.command.argv is missing. Name the program there.";
        section.fault("enabled", fault.to_owned());
    }
    section.end();
    enabled.then_some(config)
}

fn stdout(section: Section<'_>) -> Option<StdoutConfig> {
    let formats = [
        ("auto", StdoutFormat::Auto),
        ("text", StdoutFormat::Text),
        ("jsonl", StdoutFormat::JsonLines),
    ];
    let enabled = section.value("enabled", boolean);
    let config = StdoutConfig {
        format: section.value("format", one_of(&formats)),
        windows: section.optional("windows", boolean),
    };
    section.end();
    enabled.then_some(config)
}

fn log_file(
    section: Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> Option<LogFileConfig> {
    let enabled = section.value("enabled", boolean);
    let max_size_mb = section.value("max_size_mb", whole(1..=100_000));
    let max_total_mb = section.value("max_total_mb", whole(1..=1_000_000));
    let max_age_hours = section.value("max_age_hours", whole(1..=8_760));
    let config = LogFileConfig {
        path: section.value("path", path),
        windows: section.value("windows", boolean),
        max_size_bytes: max_size_mb * BYTES_PER_MB,
        max_age: Duration::from_secs(max_age_hours * 3_600),
        max_total_bytes: max_total_mb * BYTES_PER_MB,
    };
    if max_total_mb < max_size_mb {
        let keys = section.keys_in_file();
        let (key, own, other) = if keys.contains(&"max_total_mb".to_owned()) {
            (
                "max_total_mb",
                max_total_mb,
                format!("less than one file may take (max_size_mb, {max_size_mb})"),
            )
        } else {
            (
                "max_size_mb",
                max_size_mb,
                format!("more than all files may take (max_total_mb, {max_total_mb})"),
            )
        };
        section.fault(key, format!("is {own}, {other}. Change one of the two."));
    }
    section.end();
    enabled.then_some(config)
}

fn unix(
    section: Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> Option<UnixConfig> {
    let mode = |value: &DeValue<'_>| {
        let bits = value.as_str().and_then(|text| u32::from_str_radix(text, 8).ok());
        let bits = bits.filter(|bits| *bits <= 0o777);
        bits.ok_or_else(|| {
            "permissions as chmod takes them, between quotes, from \"0000\" to \"0777\"".to_owned()
        })
    };
    let enabled = section.value("enabled", boolean);
    let config =
        UnixConfig { path: section.value("path", path), mode: section.value("mode", mode) };
    section.end();
    enabled.then_some(config)
}

fn tcp(
    section: Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> Option<TcpConfig> {
    let enabled = section.value("enabled", boolean);
    let config = TcpConfig {
        address: section.value("address", address),
        token_file: section.optional("token_file", secret_path(path)),
    };
    if enabled {
        require_token(&section, config.address, config.token_file.as_deref());
    }
    section.end();
    enabled.then_some(config)
}

fn web(
    section: Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> Option<WebConfig> {
    let enabled = section.value("enabled", boolean);
    let config = WebConfig {
        address: section.value("address", address),
        hosts: section.value("hosts", texts),
        token_file: section.optional("token_file", secret_path(path)),
    };
    if enabled {
        require_token(&section, config.address, config.token_file.as_deref());
    }
    section.end();
    enabled.then_some(config)
}

fn mqtt(
    section: Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> Option<MqttConfig> {
    let enabled = section.value("enabled", boolean);
    let broker = |value: &DeValue<'_>| text(value).unwrap_or_default().parse::<BrokerAddress>();
    let username = section.optional("username", text);
    let (client_id, topic) =
        (section.optional("client_id", text), section.optional("topic", topic));
    let config = MqttConfig {
        address: section.value("address", broker),
        tls: section.value("tls", boolean),
        ca_file: section.optional("ca_file", path),
        password_file: section.optional("password_file", secret_path(path)),
        username,
        client_id: client_id.unwrap_or_else(|| format!("tympan-{}", node())),
        topic: topic.unwrap_or_else(|| format!("tympan/{}", node())),
        discovery: section.value("discovery", boolean),
        discovery_prefix: section.value("discovery_prefix", self::topic),
        labels: section.value("labels", texts),
    };
    if enabled && config.ca_file.is_some() && !config.tls {
        let unused = "is set, and nothing is encrypted. Set tls = true, or delete the line.";
        section.fault("ca_file", unused.to_owned());
    }
    if enabled && config.password_file.is_some() && config.username.is_none() {
        let nobody =
            "is set, and username is missing: MQTT has no password without a user. Name the user.";
        section.fault("password_file", nobody.to_owned());
    }
    section.end();
    enabled.then_some(config)
}

/// What topics of MQTT may begin with.
fn topic(value: &DeValue<'_>) -> Result<String, String> {
    const MAX_BYTES: usize = 256;
    let topic = text(value).unwrap_or_default();
    let is_level = |level: &str| !level.is_empty();
    let is_good = topic.len() <= MAX_BYTES
        && !topic.starts_with('$')
        && !topic.contains(|c: char| "+#".contains(c) || c.is_control())
        && topic.split('/').all(is_level);
    is_good.then_some(topic).ok_or_else(|| {
        format!(
            "levels with / between them, as \"tympan/desk\": not empty, without + and #, without $ at the beginning, \
             {MAX_BYTES} bytes at most"
        )
    })
}

/// The machine's name, as it may stand in a topic.
fn node() -> String {
    let name = gethostname().unwrap_or_default().to_string_lossy().into_owned();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let node: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if node.is_empty() { "localhost".to_owned() } else { node }
}

/// As `path`; but a bare name is looked for among the credentials that the service manager gives, first.
fn secret_path(
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> impl Fn(&DeValue<'_>) -> Result<PathBuf, String> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    move |value| {
        let written = path(value)?;
        let name = value.as_str().filter(|name| !name.contains('/'));
        let credential = credentials.as_ref().zip(name).map(|(folder, name)| folder.join(name));
        Ok(credential.filter(|credential| credential.exists()).unwrap_or(written))
    }
}

fn address(value: &DeValue<'_>) -> Result<SocketAddr, String> {
    let address = value.as_str().and_then(|text| text.parse::<SocketAddr>().ok());
    address.ok_or_else(|| {
        "an IP address and a port, as \"127.0.0.1:7327\" or \"[::1]:7327\"".to_owned()
    })
}

/// An address that other machines can reach needs a secret.
fn require_token(section: &Section<'_>, address: SocketAddr, token_file: Option<&Path>) {
    if !address.ip().is_loopback() && token_file.is_none() {
        let open = format!(
            "is {address}, which other machines can reach, and {}.token_file is missing. Name a file with a secret there \
             (`openssl rand -hex 32` makes one), or take 127.0.0.1.",
            section.path
        );
        section.fault("address", open);
    }
}

fn clips(
    section: Section<'_>,
    path: &impl Fn(&DeValue<'_>) -> Result<PathBuf, String>,
) -> ClipsConfig {
    let config = ClipsConfig {
        enabled: section.value("enabled", boolean),
        folder: section.value("folder", path),
        labels: section.value("labels", texts),
        deny: section.value("deny", texts),
        before: seconds(section.value("before_s", number(0.0..=60.0))),
        after: seconds(section.value("after_s", number(0.0..=60.0))),
        longest: seconds(section.value("max_clip_s", number(1.0..=600.0))),
        max_total_bytes: section.value("max_total_mb", whole(1..=1_000_000)) * BYTES_PER_MB,
        max_age: Duration::from_secs(section.value("max_age_days", whole(1..=3_650)) * 86_400),
    };
    if config.enabled && config.labels.is_empty() {
        let nothing =
            "is empty: no event would be recorded. Name the labels whose events are to be kept.";
        section.fault("labels", nothing.to_owned());
    }
    section.end();
    config
}
