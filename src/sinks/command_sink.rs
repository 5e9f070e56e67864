//! The output that runs a program for an event: a notification, a webhook, a lamp. Fed by its queue on `tympan-command`; the
//! programs run on `tympan-program`, one after the other, so that a slow one delays no more than those behind it.

use std::collections::VecDeque;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::{Sink, SinkError};
use crate::domain::{EventPhase, EventRecord, Published, Record};
use crate::programs::{ChildGroup, LastLine, exit_in_words, relay};
use crate::protocol::write_json_line;

/// Events that wait for the program beside the one that it runs for. Behind them, the sink's queue fills.
const WAITING: usize = 16;

/// The span of `max_per_minute`.
const MINUTE: Duration = Duration::from_secs(60);

/// Whether the daemon is ending is looked at this often while a program runs.
const LOOK: Duration = Duration::from_millis(20);

/// Which program, and for which events.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandSinkSpec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Labels whose events it is run for; empty: every label's.
    pub labels: Vec<String>,
    /// So many runs a minute; the events beyond are told in the log, and no program is run for them.
    pub max_per_minute: usize,
    /// A run that takes longer is ended.
    pub timeout: Duration,
}

/// Runs a program for each event that begins; it reads the event's line on its standard input.
pub struct CommandSink {
    spec: CommandSinkSpec,
    runs: Option<Sender<Run>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    rate: RateLimit,
}

/// What a program is run for.
struct Run {
    line: String,
    label: Arc<str>,
    source: Arc<str>,
    score: f32,
}

impl CommandSink {
    /// Starts the thread that runs the programs.
    ///
    /// # Errors
    /// [`SinkError::Thread`] when the system has no thread left.
    pub fn open(spec: CommandSinkSpec) -> Result<Self, SinkError> {
        let (sender, runs) = bounded(WAITING);
        let stop = Arc::new(AtomicBool::new(false));
        let runner = Runner { spec: spec.clone(), runs, stop: Arc::clone(&stop) };
        let name = "tympan-program".to_owned();
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || runner.run())
            .map_err(|source| SinkError::Thread { thread: name, source })?;
        let rate = RateLimit::new(spec.max_per_minute);
        Ok(Self { spec, runs: Some(sender), stop, thread: Some(thread), rate })
    }

    fn wants(&self, event: &EventRecord) -> bool {
        self.spec.labels.is_empty() || self.spec.labels.iter().any(|label| **label == *event.label)
    }
}

impl Sink for CommandSink {
    fn name(&self) -> &str {
        "command"
    }

    fn takes_windows(&self) -> bool {
        false
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        let Record::Event(event) = &published.record else { return Ok(()) };
        let EventPhase::Onset { score, .. } = event.phase else { return Ok(()) };
        let Some(runs) = &self.runs else { return Ok(()) };
        if !self.wants(event) {
            return Ok(());
        }
        // before its turn is used up
        if runs.is_full() {
            return Err(busy());
        }
        if !self.rate.allows(Instant::now()) {
            return Ok(());
        }
        let mut line = String::new();
        write_json_line(&published.record, &mut line);
        let (label, source) = (Arc::clone(&event.label), Arc::clone(&event.source));
        match runs.try_send(Run { line, label, source, score }) {
            Err(TrySendError::Full(_)) => Err(busy()),
            // its thread has ended with the daemon
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl Drop for CommandSink {
    fn drop(&mut self) {
        // Relaxed: the flag guards no other memory.
        self.stop.store(true, Ordering::Relaxed);
        self.runs = None;
        if let Some(thread) = self.thread.take() {
            // it ends the program that runs, within the time that a group takes to end
            let _outcome = thread.join();
        }
    }
}

fn busy() -> SinkError {
    let source = std::io::ErrorKind::ResourceBusy.into();
    SinkError::Write { to: "a program that has not ended yet".to_owned(), source }
}

/// How often a program may still be run.
struct RateLimit {
    most: usize,
    /// When it was, within the last minute.
    runs: VecDeque<Instant>,
    left_out: u64,
}

impl RateLimit {
    fn new(most: usize) -> Self {
        Self { most, runs: VecDeque::new(), left_out: 0 }
    }

    /// Whether there may be a run at `now`, which then counts.
    fn allows(&mut self, now: Instant) -> bool {
        while self.runs.front().is_some_and(|then| now.saturating_duration_since(*then) >= MINUTE) {
            self.runs.pop_front();
        }
        if self.runs.len() < self.most {
            if self.left_out > 0 {
                log::warn!("{} events had no run of the program", self.left_out);
                self.left_out = 0;
            }
            self.runs.push_back(now);
            return true;
        }
        if self.left_out == 0 {
            let most = self.most;
            log::warn!(
                "the program has run {most} times within a minute (max_per_minute); it rests"
            );
        }
        self.left_out += 1;
        false
    }
}

/// The body of the thread.
struct Runner {
    spec: CommandSinkSpec,
    runs: Receiver<Run>,
    stop: Arc<AtomicBool>,
}

impl Runner {
    fn run(self) {
        // the same words are not logged for each event
        let mut is_failing = false;
        while let Ok(run) = self.runs.recv() {
            let outcome = self.run_once(&run);
            match &outcome {
                Ok(()) if is_failing => log::info!("{} works again", self.program()),
                Ok(()) => {}
                Err(why) if is_failing => log::debug!("{why}"),
                Err(why) => log::warn!("{why}; it is run for the next event all the same"),
            }
            is_failing = outcome.is_err();
            if self.is_stopped() {
                let left = self.runs.len();
                if left > 0 {
                    log::warn!(
                        "the daemon ends, and {left} events had no run of {}",
                        self.program()
                    );
                }
                return;
            }
        }
    }

    fn program(&self) -> &str {
        self.spec.argv.first().map_or("", String::as_str)
    }

    fn is_stopped(&self) -> bool {
        // Relaxed: the flag guards no other memory.
        self.stop.load(Ordering::Relaxed)
    }

    /// Runs the program to its end, or ends it.
    fn run_once(&self, run: &Run) -> Result<(), String> {
        let program = self.program();
        let deadline = Instant::now() + self.spec.timeout;
        let mut command = Command::new(program);
        command.args(self.spec.argv.iter().skip(1));
        command.env("TYMPAN_LABEL", &*run.label).env("TYMPAN_SOURCE", &*run.source);
        command.env("TYMPAN_SCORE", format!("{:.4}", run.score));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = ChildGroup::spawn(&mut command)
            .map_err(|error| format!("{program} cannot be started for {}: {error}", run.label))?;
        let (stdin, _, stderr) = child.take_pipes();
        if let Some(stderr) = stderr {
            let (name, last) = (program.to_owned(), LastLine::default());
            std::thread::Builder::new()
                .name("tympan-stderr".to_owned())
                .spawn(move || relay(&name, stderr, &last))
                .map_err(|error| format!("no thread for what {program} says: {error}"))?;
        }
        if let Some(mut stdin) = stdin {
            // a pipe holds more than a line; a program need not read it
            let _ = stdin.write_all(run.line.as_bytes());
        }
        loop {
            let now = Instant::now();
            if let Some(status) = child.wait_until(deadline.min(now + LOOK)) {
                let how = exit_in_words(status);
                return if status.success() { Ok(()) } else { Err(format!("{program} {how}")) };
            }
            if self.is_stopped() {
                return Err(format!("{program} is ended with the daemon"));
            }
            if now >= deadline {
                let seconds = self.spec.timeout.as_secs_f64();
                return Err(format!(
                    "{program} took longer than {seconds} s (timeout_s) and is ended"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_runs_are_allowed_than_a_minute_has_room_for() {
        let (mut rate, began) = (RateLimit::new(3), Instant::now());
        let allowed =
            |rate: &mut RateLimit, second| rate.allows(began + Duration::from_secs(second));
        assert_eq!(
            [0, 1, 2, 3, 59].map(|second| allowed(&mut rate, second)),
            [true, true, true, false, false]
        );
        assert_eq!(rate.left_out, 2);
        assert_eq!(
            [60, 60, 61, 62, 63].map(|second| allowed(&mut rate, second)),
            [true, false, true, true, false]
        );
    }
}
