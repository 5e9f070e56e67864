//! `tympan watch`: its arguments, and the daemons that they name.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;

use super::view::{self, EventChannel, SECONDS_ACROSS};
use crate::assembly::read_token;
use crate::cli::{Failure, output, signals, status};
use crate::protocol::Address;
use crate::watch::{AppSettings, ColourDepth, Connection, Motion};

/// Arguments of `tympan watch`.
#[derive(Debug, Clone, Args)]
pub struct WatchArguments {
    /// The daemons' addresses: a Unix socket's path, or an address and a port; without any, the delivered units' sockets
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// The daemon's configuration, which names its socket
    #[arg(long, value_name = "FILE", conflicts_with = "addresses")]
    config: Option<PathBuf>,
    /// File with the token that the TCP addresses ask for
    #[arg(long, value_name = "FILE", requires = "addresses")]
    token_file: Option<PathBuf>,
    /// How many colours are drawn; what the terminal has without it
    #[arg(long, value_enum, value_name = "COLOURS")]
    colour: Option<Colours>,
    /// The spectrogram is written from left to right, again and again: a few kB a second; the default over ssh
    #[arg(long, conflicts_with = "scroll")]
    sweep: bool,
    /// The newest column stands at the right edge, and all of it moves; the default elsewhere
    #[arg(long)]
    scroll: bool,
    /// Seconds across the spectrogram
    #[arg(long, value_name = "SECONDS", default_value_t = SECONDS_ACROSS, value_parser = seconds)]
    seconds: f64,
}

/// How many colours are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Colours {
    /// 24-bit
    #[value(name = "24bit")]
    TrueColour,
    /// 256
    #[value(name = "256")]
    Indexed,
    /// 16
    #[value(name = "16")]
    Ansi,
    /// None
    None,
}

impl From<Colours> for ColourDepth {
    fn from(colours: Colours) -> Self {
        match colours {
            Colours::TrueColour => Self::TrueColour,
            Colours::Indexed => Self::Indexed,
            Colours::Ansi => Self::Ansi,
            Colours::None => Self::Monochrome,
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (1.0..=300.0).contains(seconds));
    seconds.ok_or_else(|| "it has to be a number from 1 to 300".to_owned())
}

/// Shows the daemons until a key or a signal ends it.
///
/// # Errors
/// [`Failure`]: no terminal, a wrong configuration or token, nothing there that can be watched.
pub fn watch(arguments: &WatchArguments) -> Result<ExitCode, Failure> {
    let connections = connections(arguments)?;
    let text = match connections.first().map(|connection| &connection.address) {
        Some(Address::Tcp(address)) => format!("ncat {} {}", address.ip(), address.port()),
        Some(Address::Unix(path)) => format!("ncat -U {}", path.display()),
        None => "tympan run".to_owned(),
    };
    view::require_terminal(&text)?;
    let usual = view::usual_settings();
    let motion = match (arguments.sweep, arguments.scroll) {
        (true, _) => Motion::Sweep,
        (_, true) => Motion::Scroll,
        _ => usual.motion,
    };
    let settings = AppSettings { motion, seconds_across: arguments.seconds, ..usual };
    let look = view::look(arguments.colour.map(ColourDepth::from));
    let stop = signals::stop_flag()?;
    // Relaxed: the flag guards nothing but itself.
    let has_ended = || stop.load(Ordering::Relaxed);
    let viewed = view::show(connections, settings, &look, EventChannel::new(), has_ended)?;
    output::print(&format!("{}\n", viewed.summary))?;
    Ok(ExitCode::SUCCESS)
}

fn connections(arguments: &WatchArguments) -> Result<Vec<Connection>, Failure> {
    if let Some(path) = &arguments.config {
        let (address, token) = status::configured(path)?;
        return Ok(vec![Connection { daemon: 0, address, token }]);
    }
    let token = arguments.token_file.as_deref().map(read_token).transpose()?;
    let mut addresses: Vec<Address> =
        arguments.addresses.iter().map(|address| Address::from(address.as_str())).collect();
    if addresses.is_empty() {
        addresses.push(Address::Unix(status::usual_socket()));
    }
    let connection = |(daemon, address): (usize, Address)| Connection {
        daemon,
        token: token.clone().filter(|_| matches!(address, Address::Tcp(_))),
        address,
    };
    Ok(addresses.into_iter().enumerate().map(connection).collect())
}
