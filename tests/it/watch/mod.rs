//! The view of a daemon: what it makes of events, and what stands on the screen then.

mod keys;
mod never_panics;
mod screens;
mod state;

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::{Value, json};
use tympan::protocol::Message;
use tympan::watch::{
    Action, App, AppSettings, ColourDepth, Event, Glyphs, Key, LinkEvent, Look, Motion, draw,
};

pub const SETTINGS: AppSettings =
    AppSettings { motion: Motion::Sweep, seconds_across: 10.0, shows_reasons: true };

/// A view and the time of its last event.
pub struct Viewed {
    pub app: App,
    pub now: Duration,
}

impl Viewed {
    pub fn of(addresses: &[&str], settings: AppSettings) -> Self {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        Self { app: App::new(addresses, settings), now: Duration::ZERO }
    }

    /// A connected view of one daemon.
    pub fn connected(settings: AppSettings) -> Self {
        let mut viewed = Self::of(&["/run/tympan/tympan.sock"], settings);
        viewed.link(LinkEvent::Up { version: "0.1.0".to_owned() });
        viewed
    }

    pub fn on(&mut self, event: Event) -> Option<Action> {
        self.app.on(event, self.now)
    }

    pub fn link(&mut self, event: LinkEvent) -> Option<Action> {
        self.on(Event::Link { daemon: 0, event })
    }

    pub fn line(&mut self, line: &Value) {
        self.line_of(0, line);
    }

    pub fn line_of(&mut self, daemon: usize, line: &Value) {
        let message = Message::parse(line.to_string().as_bytes()).unwrap();
        let event = LinkEvent::Message(Box::new(message));
        assert_eq!(self.on(Event::Link { daemon, event }), None);
    }

    pub fn press(&mut self, key: Key) -> Option<Action> {
        self.on(Event::Key(key))
    }

    pub fn type_text(&mut self, text: &str) {
        text.chars().for_each(|character| assert_eq!(self.press(Key::Char(character)), None));
    }

    pub fn screen(&self, columns: u16, rows: u16, look: &Look) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| draw(&self.app, look, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen in colours as text.
    pub fn text(&self, columns: u16, rows: u16) -> String {
        text(&self.screen(columns, rows, &Look::new(ColourDepth::TrueColour, Glyphs::Unicode)))
    }
}

/// The rows of a screen, without the spaces behind them.
pub fn text(screen: &Buffer) -> String {
    let rows = screen.content.chunks(usize::from(screen.area.width).max(1));
    let rows = rows.map(|row| {
        let row: String = row.iter().map(|cell| cell.symbol()).collect();
        format!("{}\n", row.trim_end())
    });
    rows.collect()
}

#[track_caller]
pub fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

pub fn status(state: &str) -> Value {
    json!({"type": "status", "time": "2026-01-01T12:00:00Z", "source": "mic", "state": state,
        "detail": "built-in audio, model esc50", "sample_rate_hz": 48_000})
}

pub fn daemon() -> Value {
    json!({"type": "daemon", "time": "2026-01-01T12:00:10Z", "version": "0.1.0", "process": 4711,
        "started": "2026-01-01T11:00:00Z", "up_s": 3600, "cpu_s": 68.4, "state": "listening",
        "detail": "built-in audio, model esc50", "since": "2026-01-01T11:00:01Z", "state_s": 3599,
        "device": "built-in audio", "sample_rate_hz": 48_000, "model": "esc50", "level_dbfs": -38.5,
        "counters": {"samples_captured": 1, "windows_scored": 45_000, "windows_skipped": 2,
            "records_dropped": 0, "client_records_dropped": 3},
        "latency": {"windows": 3750, "p50_us": 620, "p90_us": 790, "p99_us": 1510, "p999_us": 2300,
            "max_us": 4100},
        "sinks": [{"name": "stdout", "fails": false, "lost": 0}], "reload": null})
}

pub fn level(peak_dbfs: f32, clipped: u64) -> Value {
    json!({"type": "level", "time": "2026-01-01T12:00:00.050Z", "source": "mic", "peak_dbfs": peak_dbfs,
        "rms_dbfs": peak_dbfs - 12.0, "floor_dbfs": -52.0, "clipped_samples": clipped})
}

/// A column of 64 bands whose values are `column`'s, all the same; `index` counts columns of 80 ms.
pub fn mel(index: u64, value: u8) -> Value {
    use base64::Engine as _;
    let column = base64::engine::general_purpose::STANDARD.encode(vec![value; 64]);
    json!({"type": "mel", "time": "2026-01-01T12:00:00.123Z", "source": "mic",
        "start_sample": index * 3_840, "end_sample": (index + 1) * 3_840, "low_hz": 50.0,
        "high_hz": 7_500.0, "scale": "slaney", "low_db": -96.0, "high_db": 24.5, "column": column})
}

/// A window with a label for each reason.
pub fn window(index: u64) -> Value {
    json!({"type": "window", "time": "2026-01-01T12:00:10Z", "source": "mic", "start_sample": 0,
    "end_sample": (index + 1) * 3_840, "level_dbfs": -23.1, "latency_us": 412,
    "scores": [{"label": "dog", "score": 0.93}, {"label": "wind", "score": 0.02}],
    "reasons": [
        {"label": "dog", "score": 0.93, "threshold": 0.6, "reason": "event"},
        {"label": "cat", "score": 0.71, "threshold": 0.6, "reason": "unconfirmed", "windows": 1,
            "needed": 2, "of": 3},
        {"label": "door_wood_creaks", "score": 0.42, "threshold": 0.5, "reason": "held_back", "by": "rain"},
        {"label": "rain", "score": 0.4, "threshold": 0.3, "reason": "not_allowed"},
        {"label": "siren", "score": 0.2, "threshold": 0.55, "reason": "below_threshold"},
    ]})
}

pub fn onset(id: u64, label: &str, start_sample: u64) -> Value {
    json!({"type": "event", "phase": "onset", "id": id, "label": label, "time": "2026-01-01T12:00:01Z",
        "source": "mic", "start_sample": start_sample, "score": 0.8})
}

pub fn offset(id: u64, label: &str, start_sample: u64, end_sample: u64) -> Value {
    json!({"type": "event", "phase": "offset", "id": id, "label": label, "time": "2026-01-01T12:00:03Z",
        "source": "mic", "start_sample": start_sample, "end_sample": end_sample, "peak_score": 0.97})
}

pub fn gap() -> Value {
    json!({"type": "gap", "time": "2026-01-01T12:00:02Z", "source": "mic", "start_sample": 192_000,
        "samples": 4_800, "cause": "overrun"})
}

/// A view of a daemon that has sent one of everything.
pub fn busy(settings: AppSettings) -> Viewed {
    let mut viewed = Viewed::connected(settings);
    viewed.line(&status("listening"));
    viewed.line(&daemon());
    let later = json!({"time": "2026-01-01T12:00:11Z", "cpu_s": 68.42});
    let mut second = daemon();
    second.as_object_mut().unwrap().extend(later.as_object().unwrap().clone());
    viewed.line(&second);
    viewed.line(&level(-9.0, 4));
    for index in 0..100 {
        viewed.line(&mel(index, (40 + 2 * index) as u8));
    }
    viewed.line(&onset(1, "cat", 48_000));
    viewed.line(&offset(1, "cat", 48_000, 116_160));
    viewed.line(&gap());
    viewed.line(&onset(2, "dog", 336_000));
    viewed.line(&window(99));
    viewed
}
