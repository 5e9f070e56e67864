//! The program as a user runs it: its output, its exit codes, its words.

mod bad_audio;
mod bad_configuration;
mod bench;
mod commands;
mod datasets;
mod doctor;
mod engines;
#[cfg(feature = "torch")]
mod eval;
mod eval_shipped;
mod first_hour;
mod hostile;
mod inputs;
mod mqtt;
mod on_request;
mod opentelemetry;
mod packaged;
mod plot;
mod power_cut;
mod privacy;
mod prometheus;
mod pytorch;
mod run;
mod same_records;
mod service;
mod status;
mod terminals;
#[cfg(feature = "torch")]
mod torchscript;
#[cfg(feature = "torch")]
mod train;
#[cfg(feature = "torch")]
mod train_from_code;
#[cfg(feature = "torch")]
mod train_interrupted;
#[cfg(feature = "torch")]
mod train_verifier;
mod watch;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use hound::{SampleFormat, WavSpec, WavWriter};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tympan::sources::{Repeat, SampleReader, Soundscape};

/// The program, in the project's folder, where `models/esc50` is.
pub fn tympan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tympan"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

/// Runs to the end.
pub fn output_of(arguments: &[&str]) -> Output {
    tympan().args(arguments).output().unwrap()
}

/// What was said on standard error by a run that had to fail with `code`.
#[track_caller]
pub fn failure(arguments: &[&str], code: i32) -> String {
    let output = output_of(arguments);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?} said: {printed}");
    printed
}

/// What was printed by a run that had to succeed.
#[track_caller]
pub fn success(arguments: &[&str]) -> String {
    let output = output_of(arguments);
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?} said: {printed}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
pub fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

/// JSON Lines as values.
pub fn parsed(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Those of one type.
pub fn of_type(records: &[Value], kind: &str) -> Vec<Value> {
    records.iter().filter(|record| record["type"] == kind).cloned().collect()
}

/// A program that runs until it is asked to stop, and its records as they come.
pub struct Running {
    pub child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(command: Command) -> Self {
        Self::start_with_stderr(command, Stdio::piped())
    }

    pub fn start_with_stderr(mut command: Command, stderr: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next record, or nothing at the end.
    pub fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }

    /// Reads until a record that `wanted` accepts; fails at the end of the output.
    pub fn until(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Vec<Value> {
        let mut seen = Vec::new();
        while let Some(record) = self.next() {
            seen.push(record);
            if wanted(&seen[seen.len() - 1]) {
                return seen;
            }
        }
        let mut printed = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut printed).unwrap();
        }
        panic!("the output ended before the record that was waited for; {printed}; {seen:?}");
    }

    /// Asks it to end by `signal`, reads the rest, and gives its exit code.
    pub fn end_by(mut self, signal: &str) -> (Vec<Value>, Option<i32>) {
        // the shell's own: the program of that name is not on every machine
        let kill = format!("kill -s {signal} {}", self.child.id());
        assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
        let mut rest = Vec::new();
        while let Some(record) = self.next() {
            rest.push(record);
        }
        (rest, self.child.wait().unwrap().code())
    }
}

/// A test that fails leaves nothing running.
impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A configuration of one's own in `folder`, with the shipped model.
pub fn configuration(folder: &Path, text: &str) -> String {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
    let path = folder.join("tympan.toml");
    let model_line =
        if text.contains("model =") { String::new() } else { format!("model = {model:?}\n") };
    std::fs::write(&path, format!("{model_line}{text}")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The first `seconds` of the demo as a 16-bit WAV file.
pub fn demo_wav(folder: &Path, seconds: usize) -> PathBuf {
    let mut demo = Soundscape::with_repeat(1, Repeat::Once);
    let rate = demo.sample_rate().hz();
    let mut samples = vec![0.0; seconds * rate as usize];
    let mut filled = 0;
    while filled < samples.len() {
        match demo.read(&mut samples[filled..]).unwrap() {
            0 => break,
            read => filled += read,
        }
    }
    let path = folder.join("demo.wav");
    let integers: Vec<i16> = samples.iter().map(|sample| (sample * 32_767.0) as i16).collect();
    write_wav(&path, rate, 1, &integers);
    path
}

/// A TCP port that nobody else on this machine gets while it is held: bound, but not listened on, so that a daemon may.
pub struct ReservedPort {
    pub number: u16,
    _held: Socket,
}

impl ReservedPort {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from(([0, 0, 0, 0], 0)).into()).unwrap();
        let number = socket.local_addr().unwrap().as_socket().unwrap().port();
        Self { number, _held: socket }
    }
}

/// Interleaved 16-bit samples as a WAV file.
pub fn write_wav(path: &Path, sample_rate: u32, channels: u16, samples: &[i16]) {
    let spec =
        WavSpec { channels, sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
}
