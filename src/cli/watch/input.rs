//! The keys that are pressed and the sizes that the terminal takes, as events. A thread of its own, `tympan-keys`, which ends with
//! the process.

use std::io;

use crossbeam_channel::Sender;
use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::watch::{Event, Key};

/// Starts the thread.
///
/// # Errors
/// [`io::Error`]: there is no thread.
pub(super) fn spawn(events: Sender<Event>) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("tympan-keys".to_owned());
    thread.spawn(move || read(&events)).map(drop)
}

/// Until the terminal is gone, or nobody takes the events any more.
fn read(events: &Sender<Event>) {
    while let Ok(read) = event::read() {
        let event = match read {
            event::Event::Key(pressed) => key(pressed).map(Event::Key),
            event::Event::Resize(..) => Some(Event::Resized),
            _ => None,
        };
        if event.is_some_and(|event| events.send(event).is_err()) {
            return;
        }
    }
}

fn key(pressed: KeyEvent) -> Option<Key> {
    if pressed.kind == KeyEventKind::Release {
        return None;
    }
    match pressed.code {
        KeyCode::Char(letter) if pressed.modifiers.contains(KeyModifiers::CONTROL) => {
            Some(Key::Ctrl(letter))
        }
        KeyCode::Char(character) => Some(Key::Char(character)),
        KeyCode::Left => Some(Key::Left),
        KeyCode::Right => Some(Key::Right),
        KeyCode::Tab => Some(Key::Tab),
        KeyCode::Enter => Some(Key::Enter),
        KeyCode::Esc => Some(Key::Escape),
        KeyCode::Backspace => Some(Key::Backspace),
        _ => None,
    }
}
