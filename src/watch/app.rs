//! The state of the view: what is known of the daemons, which of them is shown, and how. A pure function of the events so far:
//! [`App::on`] takes the time as an argument, reads no clock and does no I/O.

use std::fmt::Write as _;
use std::time::Duration;

use super::event::{Event, LinkEvent};
use super::keys::{Command, Key, command};
use super::source_view::SourceView;
use crate::domain::printable;
use crate::protocol::{DaemonStatus, Message};

/// More sources than anybody looks at in turn; those beyond are passed over.
const MAX_SOURCES: usize = 64;

/// How many seconds the spectrogram may have across.
const SECONDS_ACROSS: std::ops::RangeInclusive<f64> = 1.0..=300.0;

/// How much of the screen one step back goes.
const STEP_BACK: f64 = 0.25;

/// Longer than any label that is looked for.
const MAX_FILTER_CHARACTERS: usize = 40;

/// How the spectrogram moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// A head writes from left to right, and begins again: little changes.
    Sweep,
    /// The newest stands at the right, and all of it moves.
    Scroll,
}

/// What the caller wants to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The view is over.
    Quit,
    /// The view is over, and its last screen stays.
    QuitLeavingScreen,
    /// There is nothing to be watched, and never was: why.
    Fail(String),
}

/// How the view begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AppSettings {
    /// How the spectrogram moves.
    pub motion: Motion,
    /// Seconds across the spectrogram; brought into the range that there is.
    pub seconds_across: f64,
    /// Whether the reasons are shown why labels are no events.
    pub shows_reasons: bool,
}

/// The connection to a daemon.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Link {
    /// Nothing is known yet.
    Connecting,
    /// It sends.
    Up { version: String },
    /// It is waited for.
    Down { why: String, retry_in: Duration },
}

/// One daemon.
#[derive(Debug, Clone)]
pub(super) struct DaemonView {
    pub(super) address: String,
    pub(super) link: Link,
    pub(super) status: Option<DaemonStatus>,
    /// Processor time between the last two statuses, as a share of one core.
    pub(super) cpu_share: Option<f64>,
    /// Records that this view was too slow for.
    pub(super) missed: u64,
    pub(super) sources: Vec<SourceView>,
    /// Whether it was ever connected.
    was_up: bool,
    /// Why it is nothing that can be watched.
    unusable: Option<String>,
}

/// The screen as it stood when it was frozen.
#[derive(Debug, Clone)]
struct Frozen {
    daemon: DaemonView,
    /// How far back in time the right edge is.
    back_s: f64,
}

/// What is to be drawn: a daemon, and a source of it.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) daemon: &'a DaemonView,
    pub(super) source: Option<&'a SourceView>,
    /// How far back the right edge is, while it is frozen.
    pub(super) frozen_back_s: Option<f64>,
    /// Its place among the sources of all daemons, from 1, and how many those are.
    pub(super) place: (usize, usize),
}

/// The state.
#[derive(Debug, Clone)]
pub struct App {
    pub(super) settings: AppSettings,
    pub(super) is_help: bool,
    /// Lower case.
    pub(super) filter: String,
    pub(super) is_typing: bool,
    pub(super) last_log: Option<String>,
    daemons: Vec<DaemonView>,
    /// The daemon that is shown, and its source.
    shown: (usize, usize),
    frozen: Option<Box<Frozen>>,
    has_changed: bool,
}

impl App {
    /// A view of the daemons at `addresses`, of which nothing is known yet.
    pub fn new(addresses: Vec<String>, settings: AppSettings) -> Self {
        let daemon = |address| DaemonView {
            address,
            link: Link::Connecting,
            status: None,
            cpu_share: None,
            missed: 0,
            sources: Vec::new(),
            was_up: false,
            unusable: None,
        };
        let (low, high) = (*SECONDS_ACROSS.start(), *SECONDS_ACROSS.end());
        let seconds_across = settings.seconds_across.clamp(low, high);
        Self {
            settings: AppSettings { seconds_across, ..settings },
            is_help: false,
            filter: String::new(),
            is_typing: false,
            last_log: None,
            daemons: addresses.into_iter().map(daemon).collect(),
            shown: (0, 0),
            frozen: None,
            has_changed: true,
        }
    }

    /// Takes an event that came at `now`, counted from any moment before the first one.
    pub fn on(&mut self, event: Event, now: Duration) -> Option<Action> {
        match event {
            Event::Key(key) => {
                self.has_changed = true;
                self.on_key(key)
            }
            Event::Resized => {
                self.has_changed = true;
                None
            }
            Event::Tick => {
                self.on_tick(now);
                None
            }
            Event::Link { daemon, event } => self.on_link(daemon, event, now),
            Event::Log(line) => {
                self.last_log = Some(line);
                self.has_changed = true;
                None
            }
        }
    }

    /// Whether the screen may differ from the one at the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// What was seen, in one line.
    pub fn summary(&self, watched: Duration) -> String {
        let sources = || self.daemons.iter().flat_map(|daemon| &daemon.sources);
        let (events, gaps) =
            sources().fold((0, 0), |(events, gaps), it| (events + it.events, gaps + it.gaps));
        let missed = self.daemons.iter().map(|daemon| daemon.missed).fold(0, u64::saturating_add);
        let statuses = self.daemons.iter().filter_map(|daemon| daemon.status.as_ref());
        let p99_us = statuses.map(|status| status.latency.p99_us).max();
        let mut line = format!(
            "watched for {} s: {}, {}, {} missed",
            watched.as_secs(),
            counted(events, "event"),
            counted(gaps, "gap"),
            counted(missed, "record")
        );
        if let Some(p99_us) = p99_us {
            // writing to a string never fails
            let _ = write!(line, ", latency p99 {:.1} ms", p99_us as f64 / 1000.0);
        }
        line
    }

    /// What is to be drawn; none if no daemon is watched.
    pub(super) fn shown(&self) -> Option<Shown<'_>> {
        let (daemon, source) = self.shown;
        let count = |daemon: &DaemonView| daemon.sources.len().max(1);
        let before: usize = self.daemons.iter().take(daemon).map(count).sum();
        let place = (before + source + 1, self.daemons.iter().map(count).sum());
        let (daemon, frozen_back_s) = match &self.frozen {
            Some(frozen) => (&frozen.daemon, Some(frozen.back_s)),
            None => (self.daemons.get(daemon)?, None),
        };
        Some(Shown { daemon, source: daemon.sources.get(source), frozen_back_s, place })
    }

    fn on_key(&mut self, key: Key) -> Option<Action> {
        if self.is_typing && key != Key::Ctrl('c') {
            self.on_typed(key);
            return None;
        }
        match command(key)? {
            Command::Quit => return Some(Action::Quit),
            Command::QuitLeavingScreen => return Some(Action::QuitLeavingScreen),
            Command::Freeze => match self.frozen.take() {
                Some(_) => {}
                None => self.freeze(),
            },
            Command::Back => {
                self.freeze();
                self.scroll(STEP_BACK * self.settings.seconds_across);
            }
            Command::Forward => self.scroll(-STEP_BACK * self.settings.seconds_across),
            Command::Filter => {
                self.filter.clear();
                self.is_typing = true;
            }
            Command::NextSource => self.next_source(),
            Command::MoreSeconds => self.zoom(2.0),
            Command::FewerSeconds => self.zoom(0.5),
            Command::ToggleMotion => {
                self.settings.motion = match self.settings.motion {
                    Motion::Sweep => Motion::Scroll,
                    Motion::Scroll => Motion::Sweep,
                };
            }
            Command::ToggleReasons => self.settings.shows_reasons ^= true,
            Command::ClearClip => {
                let (daemon, source) = self.shown;
                let live = self.daemons.get_mut(daemon);
                let frozen = self.frozen.as_mut().map(|frozen| &mut frozen.daemon);
                for daemon in live.into_iter().chain(frozen) {
                    if let Some(source) = daemon.sources.get_mut(source) {
                        source.meter.clear_clip();
                    }
                }
            }
            Command::Help => self.is_help ^= true,
            Command::Dismiss => {
                self.is_help = false;
                self.filter.clear();
            }
        }
        None
    }

    fn on_typed(&mut self, key: Key) {
        match key {
            Key::Enter => self.is_typing = false,
            Key::Escape => {
                self.is_typing = false;
                self.filter.clear();
            }
            Key::Backspace => {
                self.filter.pop();
            }
            Key::Char(character) if self.filter.chars().count() < MAX_FILTER_CHARACTERS => {
                self.filter.extend(character.to_lowercase());
            }
            _ => {}
        }
    }

    fn freeze(&mut self) {
        if self.frozen.is_none()
            && let Some(daemon) = self.daemons.get(self.shown.0)
        {
            self.frozen = Some(Box::new(Frozen { daemon: daemon.clone(), back_s: 0.0 }));
        }
    }

    /// Moves a frozen screen by `back_s` into the past, as far as there is any.
    fn scroll(&mut self, back_s: f64) {
        let Some(frozen) = &mut self.frozen else { return };
        let span = frozen.daemon.sources.get(self.shown.1);
        let span = span.and_then(|source| source.spectrogram.span_s());
        let most = span.map_or(0.0, |(from, to)| to - from);
        frozen.back_s = (frozen.back_s + back_s).clamp(0.0, most);
    }

    fn next_source(&mut self) {
        self.frozen = None;
        let (daemon, source) = self.shown;
        let sources = self.daemons.get(daemon).map_or(0, |daemon| daemon.sources.len());
        self.shown = if source + 1 < sources {
            (daemon, source + 1)
        } else {
            ((daemon + 1) % self.daemons.len().max(1), 0)
        };
    }

    fn zoom(&mut self, factor: f64) {
        let seconds = self.settings.seconds_across * factor;
        if SECONDS_ACROSS.contains(&seconds) {
            self.settings.seconds_across = seconds;
        }
    }

    fn on_tick(&mut self, now: Duration) {
        for source in self.daemons.iter_mut().flat_map(|daemon| &mut daemon.sources) {
            let before = source.meter.levels();
            source.meter.tick(now);
            self.has_changed |= source.meter.levels() != before;
        }
    }

    fn on_link(&mut self, index: usize, event: LinkEvent, now: Duration) -> Option<Action> {
        let daemon = self.daemons.get_mut(index)?;
        let is_message = matches!(event, LinkEvent::Message(_));
        // what nobody sees changes nothing; whether a daemon is there, everybody sees
        self.has_changed |= !is_message || (index == self.shown.0 && self.frozen.is_none());
        match event {
            LinkEvent::Up { version } => {
                daemon.link = Link::Up { version };
                (daemon.was_up, daemon.unusable) = (true, None);
            }
            LinkEvent::Message(message) => daemon.on_message(*message, now),
            LinkEvent::Down { why, retry_in } => {
                daemon.unusable = None;
                daemon.on_down(why, retry_in);
            }
            LinkEvent::Unusable { why, retry_in } => {
                daemon.unusable = Some(format!("{}: {why}", daemon.address));
                daemon.on_down(why, retry_in);
            }
        }
        let mut whys = Vec::new();
        for daemon in &self.daemons {
            match &daemon.unusable {
                Some(why) if !daemon.was_up => whys.push(why.as_str()),
                _ => return None,
            }
        }
        Some(Action::Fail(whys.join("\n")))
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

impl DaemonView {
    fn on_message(&mut self, message: Message, now: Duration) {
        match message {
            Message::Window(window) => {
                if let Some(source) = self.source(&window.source) {
                    source.on_window(window);
                }
            }
            Message::Event(event) => {
                if let Some(source) = self.source(&event.source) {
                    source.on_event(event);
                }
            }
            Message::Gap(gap) => {
                if let Some(source) = self.source(&gap.source) {
                    source.on_gap(&gap);
                }
            }
            Message::Status(status) => {
                if let Some(source) = self.source(&status.source) {
                    source.on_status(status);
                }
            }
            Message::Level(level) => {
                if let Some(source) = self.source(&level.source) {
                    source.on_level(&level, now);
                }
            }
            Message::Mel(mel) => {
                if let Some(source) = self.source(&mel.source) {
                    source.on_mel(&mel);
                }
            }
            Message::Missed(missed) => self.missed = self.missed.saturating_add(missed.records),
            Message::Daemon(status) => self.on_daemon_status(*status),
            Message::Hello(_) | Message::Refused(_) | Message::Unknown => {}
        }
    }

    /// The source of that name; none when there are too many already.
    fn source(&mut self, name: &std::sync::Arc<str>) -> Option<&mut SourceView> {
        let known = self.sources.iter().position(|source| source.name == *name);
        let index = match known {
            Some(index) => index,
            None if self.sources.len() < MAX_SOURCES => {
                self.sources.push(SourceView::new(std::sync::Arc::clone(name)));
                self.sources.len() - 1
            }
            None => return None,
        };
        self.sources.get_mut(index)
    }

    fn on_daemon_status(&mut self, status: DaemonStatus) {
        let same = self.status.as_ref().filter(|before| before.process == status.process);
        let share = same.and_then(|before| {
            let seconds = status.time.duration_since(before.time).as_secs_f64();
            // one that comes at once after another shows chance
            (seconds > 0.5).then(|| ((status.cpu_s - before.cpu_s) / seconds).max(0.0))
        });
        self.cpu_share = share.or(self.cpu_share.filter(|_| same.is_some()));
        self.status = Some(status);
    }

    fn on_down(&mut self, why: String, retry_in: Duration) {
        self.link = Link::Down { why, retry_in };
        self.sources.iter_mut().for_each(SourceView::on_down);
    }

    /// Where it is, fit for a terminal.
    pub(super) fn place(&self) -> String {
        printable(&self.address).into_owned()
    }
}
