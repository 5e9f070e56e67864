//! The loop of the view: takes events, lets the state take them, and draws at most so many frames a second. Runs on the
//! command's thread.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::input;
use super::screen::Screen;
use crate::cli::Failure;
use crate::watch::{
    Action, App, AppSettings, ColourDepth, Connection, Event, Glyphs, Look, Motion,
};

/// 12.5 frames a second: as often as the shipped model scores, and no more than a slow line takes.
const FRAME: Duration = Duration::from_millis(80);
/// How often is looked for the end while nothing comes.
const TICK: Duration = Duration::from_millis(100);
/// A second of events of three daemons. When the terminal hangs, daemons wait, drop and count.
const EVENTS: usize = 150;
/// Events that are taken before the next look at the clock.
const EVENTS_AT_ONCE: usize = 100;

/// Seconds across the spectrogram at first.
pub(super) const SECONDS_ACROSS: f64 = 10.0;

/// How a view ended, and what it has seen in a line.
pub(super) struct Viewed {
    pub(super) summary: String,
}

/// Where events come from and go to.
pub(super) struct EventChannel {
    pub(super) sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl EventChannel {
    pub(super) fn new() -> Self {
        let (sender, receiver) = bounded(EVENTS);
        Self { sender, receiver }
    }
}

/// Refuses what no view can be drawn on.
///
/// # Errors
/// [`Failure`] with a command that shows the same as text.
pub(super) fn require_terminal(text_command: &str) -> Result<(), Failure> {
    let why = match variable("TERM").as_str() {
        _ if !io::stdout().is_terminal() => "standard output is no terminal",
        "" => "TERM does not name the terminal",
        "dumb" => "the terminal is a dumb one",
        _ => return Ok(()),
    };
    Err(Failure::usage(anyhow!("no view can be drawn: {why}. As text: {text_command}")))
}

/// How the view begins where no option says otherwise: over ssh it sweeps, which takes a hundredth of the bytes.
pub(super) fn usual_settings() -> AppSettings {
    let is_remote = !variable("SSH_CONNECTION").is_empty();
    AppSettings {
        motion: if is_remote { Motion::Sweep } else { Motion::Scroll },
        seconds_across: SECONDS_ACROSS,
        shows_reasons: true,
    }
}

/// The terminal's colours, or others that were asked for, and its characters.
pub(super) fn look(depth: Option<ColourDepth>) -> Look {
    let depth = depth.unwrap_or_else(|| {
        let [no_color, colorterm, term] = ["NO_COLOR", "COLORTERM", "TERM"].map(variable);
        ColourDepth::of_terminal(&no_color, &colorterm, &term)
    });
    // crossterm reads NO_COLOR as well; what is decided here counts
    ratatui::crossterm::style::force_color_output(depth != ColourDepth::Monochrome);
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable);
    Look::new(depth, Glyphs::of_locale([&locale[0], &locale[1], &locale[2]]))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Shows what the connections bring, until a key or `has_ended` ends it.
///
/// # Errors
/// [`Failure`]: nothing there can be watched, or the terminal cannot be used.
pub(super) fn show(
    connections: Vec<Connection>,
    settings: AppSettings,
    look: &Look,
    channel: EventChannel,
    has_ended: impl Fn() -> bool,
) -> Result<Viewed, Failure> {
    let EventChannel { sender, receiver } = channel;
    let addresses = connections.iter().map(|it| it.address.to_string()).collect();
    let mut app = App::new(addresses, settings);
    let mut screen =
        Screen::open().context("the terminal cannot be used").map_err(Failure::failed)?;
    let spawned = connections
        .into_iter()
        .try_for_each(|connection| connection.spawn(sender.clone()))
        .and_then(|()| input::spawn(sender));
    spawned.context("cannot start a thread of the view").map_err(Failure::failed)?;
    let began = Instant::now();
    let action = run(&mut app, look, &mut screen, &receiver, began, has_ended);
    let leaves_screen = action == Some(Action::QuitLeavingScreen);
    // a terminal that is gone shows nothing any more
    let _ = screen.close(leaves_screen);
    match action {
        Some(Action::Fail(why)) => Err(Failure::failed(anyhow!("{why}"))),
        _ => Ok(Viewed { summary: app.summary(began.elapsed()) }),
    }
}

/// Until the state wants something, or `has_ended`; none then.
fn run(
    app: &mut App,
    look: &Look,
    screen: &mut Screen,
    events: &Receiver<Event>,
    began: Instant,
    has_ended: impl Fn() -> bool,
) -> Option<Action> {
    let mut due = began;
    let mut is_stale = true;
    loop {
        if has_ended() || screen.has_panicked() {
            return None;
        }
        let wait = if is_stale { due.saturating_duration_since(Instant::now()) } else { TICK };
        let first = match events.recv_timeout(wait.min(TICK)) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => Event::Tick,
            Err(RecvTimeoutError::Disconnected) => return None,
        };
        let rest = events.try_iter().take(EVENTS_AT_ONCE);
        for event in std::iter::once(first).chain(rest) {
            if let Some(action) = app.on(event, began.elapsed()) {
                if action == Action::QuitLeavingScreen {
                    // the last screen is the one of this moment
                    let _ = screen.draw(app, look);
                }
                return Some(action);
            }
        }
        is_stale |= app.take_changed();
        if is_stale && Instant::now() >= due {
            // the terminal is gone
            screen.draw(app, look).ok()?;
            is_stale = false;
            due = Instant::now() + FRAME;
        }
    }
}
