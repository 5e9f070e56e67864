//! Standard input, or what a program writes to its own: raw samples as a specification says, or a recording when it begins
//! with the header of one. Opened by the supervisor, read by the thread `tympan-source`.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::recording::{ByteReader, Container};
use super::{ChannelSelection, ClipFile, PcmReader, PcmSpec, SampleReader, SourceError};
use crate::domain::SampleRate;

/// How long the first bytes are waited for, so that a header can say at what rate everything runs. Later it can say
/// that still, and is resampled to the rate that was taken for granted.
const HEADER_WAIT: Duration = Duration::from_secs(1);

/// The name of standard input in records.
const STDIN: &str = "stdin";

/// A pipe that brings samples, with a header or without.
pub struct StandardInput {
    name: String,
    spec: PcmSpec,
    selection: ChannelSelection,
    rate: SampleRate,
    state: State,
}

enum State {
    /// Nothing has come yet.
    Waiting(ByteReader),
    Raw(Box<PcmReader<ByteReader>>),
    Recording(Box<ClipFile>),
    /// What could not be opened, or was empty.
    Over,
}

impl StandardInput {
    /// Opens standard input, which holds samples as `spec` says where no header says otherwise.
    ///
    /// # Errors
    /// As [`ClipFile::of_stream`], when a header came at once.
    pub fn open(spec: PcmSpec, selection: ChannelSelection) -> Result<Self, SourceError> {
        let stdin = std::io::stdin();
        let mut wait = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(HEADER_WAIT).unwrap_or(PollTimeout::ZERO);
        let has_come = poll(&mut wait, timeout).is_ok_and(|ready| ready > 0);
        let mut input = Self::new(STDIN, spec, selection, Box::new(stdin));
        if has_come {
            input.begin(None)?;
        }
        Ok(input)
    }

    /// As [`Self::open`], of any stream, which records call `name`; its first bytes are waited for when it is read.
    pub fn new(
        name: &str,
        spec: PcmSpec,
        selection: ChannelSelection,
        stream: Box<dyn Read + Send>,
    ) -> Self {
        let state = State::Waiting(ByteReader::stream(stream));
        Self { name: name.to_owned(), spec, selection, rate: spec.sample_rate, state }
    }

    /// What comes from it, in words.
    pub fn description(&self) -> String {
        match &self.state {
            State::Recording(_) => "standard input, a recording".to_owned(),
            _ => format!("standard input, {}", self.spec),
        }
    }

    /// Looks at the first bytes. What they begin is read at `rate`, where that has been promised already.
    fn begin(&mut self, rate: Option<SampleRate>) -> Result<(), SourceError> {
        let State::Waiting(mut bytes) = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(());
        };
        let name = &self.name;
        let unreadable = |source| SourceError::StreamUnreadable { name: name.clone(), source };
        let found = Container::of_stream(&mut bytes).map_err(unreadable)?;
        // an empty stream is one that ends; reading it says so
        let Some(container) = found else {
            if bytes.peek(1).map_err(unreadable)?.is_empty() {
                self.state = State::Waiting(bytes);
            } else {
                let raw = PcmReader::of_channel(name, self.spec, bytes, self.selection);
                self.state = State::Raw(Box::new(raw));
            }
            return Ok(());
        };
        log::info!(
            "{name} begins with the header of {}: it is read as that, not as {}",
            container.name(),
            self.spec
        );
        let file = ClipFile::of_bytes(name, bytes, self.selection, rate)?;
        self.rate = file.sample_rate();
        self.state = State::Recording(Box::new(file));
        Ok(())
    }
}

impl SampleReader for StandardInput {
    fn name(&self) -> &str {
        &self.name
    }

    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        if matches!(self.state, State::Waiting(_)) {
            self.begin(Some(self.rate))?;
        }
        match &mut self.state {
            State::Raw(reader) => reader.read(block),
            State::Recording(file) => file.read(block),
            State::Waiting(_) => {
                self.state = State::Over;
                Err(SourceError::StreamEmpty { name: self.name.clone() })
            }
            State::Over => Ok(0),
        }
    }

    fn take_repaired(&mut self) -> u64 {
        match &mut self.state {
            State::Raw(reader) => reader.take_repaired(),
            State::Recording(file) => file.take_repaired(),
            State::Waiting(_) | State::Over => 0,
        }
    }
}
