//! `tympan devices`: the capture devices there are, with the ids the configuration takes.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use super::{Failure, logging, output};
use crate::domain::printable;
use crate::sources::microphone::{HostChoice, InputDevice, devices as list_devices};

/// Arguments of `tympan devices`.
#[derive(Debug, Args)]
pub struct DevicesArguments {
    /// Only this audio system: alsa or pulseaudio
    #[arg(long, default_value = "auto")]
    host: HostChoice,
}

/// Lists the devices.
///
/// # Errors
/// [`Failure`] when an audio system is named that does not answer.
pub fn devices(arguments: &DevicesArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Warn);
    let found = list_devices(arguments.host).map_err(Failure::device_or_model)?;
    if found.is_empty() {
        return Err(Failure::device_or_model(anyhow!(
            "no capture device found; is one plugged in, and may this user open it (group audio)?"
        )));
    }
    let mut text = String::new();
    for device in &found {
        let _ = write_device(&mut text, device);
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn write_device(text: &mut String, device: &InputDevice) -> std::fmt::Result {
    let mark = if device.is_default { "*" } else { " " };
    writeln!(text, "{mark} {}", printable(&device.id))?;
    writeln!(text, "      {}", printable(&device.name))?;
    match &device.default_config {
        Ok(config) => writeln!(
            text,
            "      {} Hz, {} channels, {}",
            config.rate_hz, config.channels, config.format
        ),
        Err(reason) => writeln!(text, "      cannot be opened: {}", printable(reason)),
    }
}
