//! `tympan doctor`: what keeps this machine from capturing and scoring, or makes it do so badly, with what to do about each.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::check::bundle_in_words;
use super::run::{forbid_core_dumps, warn_of_core_dumps};
use super::{Failure, logging, output};
use crate::assembly::{
    AssemblyError, ConfigOverrides, Scope, Setup, SourceChoice, open_sample, read_config,
};
use crate::config::{Config, ConfigProblems, HostChoice, InputConfig, SourceConfig, SourceKind};
use crate::doctor::{
    Capture, Clock, Diagnosis, Finding, InputDevices, LevelMeasurement, ServiceNeeds, ServiceUnit,
    SoundCards, SoundServer, Storage, Verdict, broker_finding, capture, time_hops,
};
use crate::domain::Clip;
use crate::files;
use crate::programs::hosts_of;

/// Below which the system's own files are read.
const ROOT: &str = "/";

/// Arguments of `tympan doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Configuration file; without it the built-in one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// What to capture; the configuration's choice without it
    #[arg(
        long,
        value_name = "SOURCE",
        help = "What to capture: microphone[:ID], file:PATH, stdin[:FORMAT:RATE:CHANNELS] or demo"
    )]
    source: Option<SourceChoice>,
    /// How much audio to measure
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Checks everything and prints it; exit code 1 with a warning, 2 with what keeps tympan from capturing or scoring.
///
/// # Errors
/// [`Failure`] when the result cannot be printed.
pub fn doctor(arguments: &DoctorArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Warn);
    forbid_core_dumps().unwrap_or_else(warn_of_core_dumps);
    let Loaded { mut findings, config, setup } = load(arguments);
    findings.extend(setup.as_ref().map(headroom));
    let inputs = inputs(arguments.source.as_ref(), &config);
    let microphones: Vec<&DoctorInput> = inputs.iter().filter(|it| it.is_microphone()).collect();
    let needs_microphone = !microphones.is_empty();
    if needs_microphone {
        findings.extend(sound_system(&microphones));
    } else {
        findings.push(Finding::ok("devices", "the source is no microphone and needs none"));
    }
    let sound_server =
        microphones.iter().any(|it| it.settings.microphone.host == HostChoice::PulseAudio);
    for input in inputs {
        findings.extend(audio(arguments, input, &config)?);
    }
    let broker = setup.as_ref().map(Setup::broker).transpose().map_err(Failure::from)?.flatten();
    let broker = broker.as_ref().map(broker_finding);
    let needs = ServiceNeeds {
        config: arguments.config.clone(),
        microphone: needs_microphone,
        sound_server,
        listens: [
            config.output.tcp.as_ref().map(|tcp| ("output.tcp", tcp.address)),
            config.output.web.as_ref().map(|web| ("output.web", web.address)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        connects: connects(&config),
        folders: storage(&config).into_iter().map(|storage| storage.folder).collect(),
        torchscript: setup.is_some_and(|setup| setup.scorers.module_sha256().is_some()),
    };
    findings.extend(broker);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let units = ServiceUnit::gather(Path::new(ROOT), home.as_deref());
    findings.extend(ServiceUnit::findings(&units, &needs));
    findings.extend(Storage::findings(&storage(&config)));
    findings.push(Clock::gather(Path::new(ROOT), Timestamp::now()).finding());
    let diagnosis = Diagnosis::new(findings);
    if arguments.json {
        output::print_json(&diagnosis)?;
    } else {
        output::print(&diagnosis.text())?;
    }
    Ok(match diagnosis.verdict {
        Verdict::Ok => ExitCode::SUCCESS,
        Verdict::Warning => ExitCode::from(1),
        Verdict::Failure => ExitCode::from(2),
    })
}

/// Configuration and bundle, as far as they are good.
struct Loaded {
    findings: Vec<Finding>,
    /// The defaults where the file is wrong.
    config: Config,
    setup: Option<Setup>,
}

fn load(arguments: &DoctorArguments) -> Loaded {
    let name = arguments.config.as_ref().map(|path| path.display().to_string());
    let parsed = match read_config(arguments.config.as_deref()) {
        Ok(parsed) => parsed,
        Err(error) => {
            let advice = "name another file with --config, or none for the built-in configuration";
            let finding = Finding::failure(CONFIGURATION, Failure::from(error).to_string(), advice);
            return Loaded { findings: vec![finding], config: Config::default(), setup: None };
        }
    };
    let mut config = parsed.config().clone();
    let good = Finding::ok(
        CONFIGURATION,
        name.clone().unwrap_or_else(|| "the built-in one".to_owned()) + " is good",
    );
    let overrides = ConfigOverrides::default();
    let (findings, setup) =
        match Setup::new(parsed, arguments.model.as_deref(), overrides, Scope::Daemon) {
            Ok(setup) => {
                config = setup.config.clone();
                let bundle = match bundle_in_words(&setup) {
                    Ok(words) => Finding::ok(BUNDLE, words),
                    Err(error) => unusable(error.into()),
                };
                (vec![good, bundle], Some(setup))
            }
            Err(AssemblyError::Faulty(problems)) => {
                let found = "it loads, and was not timed because the configuration is wrong";
                let bundle = Finding::warning(BUNDLE, found, "mend that, then run this again");
                (vec![faulty(&problems, name.as_deref()), bundle], None)
            }
            Err(AssemblyError::FaultyAndNoModel { problems, model }) => {
                (vec![faulty(&problems, name.as_deref()), unusable((*model).into())], None)
            }
            Err(error) => (vec![good, unusable(error.into())], None),
        };
    Loaded { findings, config, setup }
}

const CONFIGURATION: &str = "configuration";
const BUNDLE: &str = "bundle";

fn faulty(problems: &ConfigProblems, file: Option<&str>) -> Finding {
    let first = problems.0.first().map(ToString::to_string).unwrap_or_default();
    let found = match problems.0.len() {
        1 => first,
        count => format!("{count} faults; the first: {first}"),
    };
    let command = file
        .map_or_else(|| "tympan check".to_owned(), |file| format!("tympan check --config {file}"));
    Finding::failure(CONFIGURATION, found, format!("{command} shows each fault with its line"))
}

fn unusable(failure: Failure) -> Finding {
    let advice =
        "mend it, or name another bundle with --model; tympan check --model FOLDER tries it";
    Finding::failure(BUNDLE, failure.to_string(), advice)
}

fn headroom(setup: &Setup) -> Finding {
    let timed = || -> Result<Finding, Failure> {
        let mut recogniser = setup.recogniser(setup.config.output.top_labels)?;
        let times = time_hops(&setup.model().featuriser_spec(), &mut recogniser);
        Ok(times.map_err(Failure::failed)?.finding())
    };
    timed().unwrap_or_else(unusable)
}

/// The hosts that outputs and programs connect to, each with its section.
fn connects(config: &Config) -> Vec<(String, String)> {
    let broker = config.output.mqtt.as_ref();
    let broker = broker.map(|mqtt| ("output.mqtt".to_owned(), mqtt.address.host.clone()));
    let inputs = config.inputs.iter().filter(|input| input.source.kind == SourceKind::Command);
    let sources = inputs.flat_map(|input| {
        let hosts = hosts_of(&input.source.command.argv);
        hosts.map(|host| (format!("{}.command", input.path), host))
    });
    let command = config.output.command.iter().flat_map(|command| hosts_of(&command.argv));
    let command = command.map(|host| ("output.command".to_owned(), host));
    broker.into_iter().chain(sources).chain(command).collect()
}

/// An input to be looked at.
struct DoctorInput {
    /// Where there are several.
    name: Option<String>,
    source: Result<SourceChoice, AssemblyError>,
    settings: SourceConfig,
}

impl DoctorInput {
    fn is_microphone(&self) -> bool {
        matches!(self.source, Ok(SourceChoice::Microphone(_)))
    }

    /// Whether it passes a sound server by.
    fn is_alsa(&self) -> bool {
        let microphone = &self.settings.microphone;
        let id = match &self.source {
            Ok(SourceChoice::Microphone(Some(id))) => Some(id),
            _ => microphone.device.as_ref(),
        };
        microphone.host == HostChoice::Alsa || id.is_some_and(|it| it.starts_with("alsa:"))
    }
}

/// What was chosen, or else every input of the configuration.
fn inputs(chosen: Option<&SourceChoice>, config: &Config) -> Vec<DoctorInput> {
    let all = match chosen {
        Some(_) => &config.inputs[..1.min(config.inputs.len())],
        None => &config.inputs[..],
    };
    let input = |input: &InputConfig| DoctorInput {
        name: input.name.clone().filter(|_| all.len() > 1),
        source: SourceChoice::chosen(chosen, &input.source),
        settings: input.source.clone(),
    };
    all.iter().map(input).collect()
}

/// Cards, permissions, servers and devices.
fn sound_system(microphones: &[&DoctorInput]) -> Vec<Finding> {
    let is_alsa = microphones.iter().any(|it| it.is_alsa());
    let hosts: Vec<HostChoice> = microphones.iter().map(|it| it.settings.microphone.host).collect();
    let cards = SoundCards::gather(Path::new(ROOT));
    let variable = |name: &str| std::env::var(name).ok();
    let server = SoundServer::gather(Path::new(ROOT), cards.user_id, &variable);
    let mut findings = cards.findings(!is_alsa && server.answers());
    findings.push(server.finding(hosts.contains(&HostChoice::PulseAudio)));
    let host = hosts.first().copied().filter(|first| hosts.iter().all(|host| host == first));
    findings.push(InputDevices::gather(host.unwrap_or(HostChoice::Auto).into()).finding());
    findings
}

/// What arrives from the source, and how loud it is.
fn audio(
    arguments: &DoctorArguments,
    input: DoctorInput,
    config: &Config,
) -> Result<Vec<Finding>, Failure> {
    let length = Duration::from_secs(arguments.seconds.into());
    let DoctorInput { name, source, settings } = input;
    let captured: Capture = capture(length, move || {
        let open = source.and_then(|source| open_sample(&source, &settings, length));
        open.map_err(|error| Failure::from(error).to_string())
    });
    let mut findings = captured.findings();
    if let (Some(sample_rate), false) = (captured.sample_rate, captured.samples.is_empty()) {
        let clip = Clip { samples: captured.samples, sample_rate };
        let level = LevelMeasurement::new(clip).map_err(Failure::failed)?;
        findings.extend(level.findings(config.detector.settings.min_level_dbfs));
    }
    Ok(findings.into_iter().map(|finding| finding.of_input(name.as_deref())).collect())
}

/// The folders that outputs write to.
fn storage(config: &Config) -> Vec<Storage> {
    let mut folders = Vec::new();
    if let Some(log_file) = &config.output.log_file {
        let folder = files::folder_of(&log_file.path);
        folders.push(Storage::gather("log", folder, log_file.max_total_bytes));
    }
    if config.clips.enabled {
        let clips = &config.clips;
        folders.push(Storage::gather("clips", &clips.folder, clips.max_total_bytes));
    }
    folders
}
