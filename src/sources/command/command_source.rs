//! The source of kind `command`: starts the program in a process group of its own, reads what it writes as standard input is
//! read, and ends all of the group. Started and dropped by the supervisor; `tympan-source` reads.

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd as _;
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::domain::SampleRate;
use crate::programs::{ChildGroup, LastLine, exit_in_words, relay, without_credentials};
use crate::sources::{
    ChannelSelection, Pace, PcmSpec, ReaderSource, RunningSource, SampleProducer, Source,
    SourceError, SourceState, StandardInput,
};

/// The name in the records of an input that has none of its own.
const NAME: &str = "command";

/// After the end of its output, a program has so long to end itself before its exit status counts as unknown.
const EXIT_PATIENCE: Duration = Duration::from_millis(100);

/// Which program, and what it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandSpec {
    /// The program, and its arguments.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it writes, where no header says otherwise.
    pub format: PcmSpec,
    /// Which of its channels count.
    pub channels: ChannelSelection,
    /// So long without a byte is a loss.
    pub lost_after: Duration,
}

/// A program that writes samples to its standard output; not yet started.
pub struct Command {
    spec: CommandSpec,
}

impl Command {
    /// Nothing is started before [`Source::start`].
    pub fn new(spec: CommandSpec) -> Self {
        Self { spec }
    }
}

impl Source for Command {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> String {
        let CommandSpec { program, arguments, format, .. } = &self.spec;
        // what it reads, which is what a person knows it by
        let address = arguments.iter().find(|argument| argument.contains("://"));
        let address = address.map(|it| format!(" {}", without_credentials(it))).unwrap_or_default();
        format!("{program}{address}, {format}")
    }

    fn sample_rate(&self) -> SampleRate {
        self.spec.format.sample_rate
    }

    fn start(
        self: Box<Self>,
        producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError> {
        let CommandSpec { program, arguments, format, channels, lost_after } = self.spec;
        let failed = |source| SourceError::CommandStart { program: program.clone(), source };
        let mut command = std::process::Command::new(&program);
        command.args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = ChildGroup::spawn(&mut command).map_err(failed)?;
        let (_, stdout, stderr) = process.take_pipes();
        let last_line = LastLine::default();
        if let Some(stderr) = stderr {
            let (name, last_line) = (program.clone(), last_line.clone());
            std::thread::Builder::new()
                .name("tympan-stderr".to_owned())
                .spawn(move || relay(&name, stderr, &last_line))
                .map_err(|source| SourceError::Thread { name: program.clone(), source })?;
        }
        let stdout = stdout.expect("invariant: the standard output is a pipe");
        let stream = Box::new(PatientPipe { stdout, lost_after });
        let reader = StandardInput::new(&program, format, channels, stream);
        let reader = ReaderSource::new(Box::new(reader), Pace::AsItComes);
        let reader = Box::new(reader).start(producer)?;
        Ok(Box::new(RunningCommand { process, reader, program, last_line, lost_after }))
    }
}

/// The end of a pipe that is given up when nothing comes for too long.
struct PatientPipe {
    stdout: ChildStdout,
    lost_after: Duration,
}

impl Read for PatientPipe {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let timeout = PollTimeout::try_from(self.lost_after).unwrap_or(PollTimeout::MAX);
        let mut wait = [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wait, timeout)? == 0 {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stdout.read(buffer)
    }
}

/// The fields are dropped in this order: with the program gone, the reader meets the end of its pipe.
struct RunningCommand {
    process: ChildGroup,
    reader: Box<dyn RunningSource>,
    program: String,
    last_line: LastLine,
    lost_after: Duration,
}

impl RunningSource for RunningCommand {
    fn state(&mut self) -> SourceState {
        let program = self.program.clone();
        match self.reader.state() {
            SourceState::Running => SourceState::Running,
            // it is there to go on for ever
            SourceState::Ended => {
                let how = self.exit_in_words();
                SourceState::Lost(self.ended(how))
            }
            SourceState::Lost(SourceError::StreamUnreadable { source, .. })
                if source.kind() == ErrorKind::TimedOut =>
            {
                let silence = self.lost_after;
                SourceState::Lost(SourceError::CommandSilent { program, silence })
            }
            SourceState::Lost(SourceError::StreamEmpty { .. }) => {
                let how = self.exit_in_words() + " before it wrote a single sample";
                SourceState::Lost(self.ended(how))
            }
            lost @ SourceState::Lost(_) => lost,
        }
    }

    fn begin_stop(&mut self) {
        self.process.terminate();
    }
}

impl RunningCommand {
    /// How the program ended, or that it still runs.
    fn exit_in_words(&mut self) -> String {
        let status = self.process.wait_until(Instant::now() + EXIT_PATIENCE);
        status.map_or_else(|| "closed its output".to_owned(), exit_in_words)
    }

    fn ended(&self, how: String) -> SourceError {
        let last_line = match self.last_line.get() {
            line if line.is_empty() => String::new(),
            line => format!("; its last words: {line}"),
        };
        SourceError::CommandEnded { program: self.program.clone(), how, last_line }
    }
}
