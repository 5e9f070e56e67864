//! Layer 2: a daemon's records as a screen of text. What `tympan watch` and `tympan run --live` show; the terminal itself
//! belongs to `cli`.
//!
//! [`Connection`]s, a thread a daemon, send [`Event`]s; [`App::on`] makes the state of them, which reads no clock and does
//! no I/O; [`draw`](draw()) puts the state on a frame, a panel a file. [`KEYS`] is the one table of keys, and a [`Look`] says in
//! which colours and characters all of it is drawn.

mod app;
mod connection;
mod draw;
mod event;
mod keys;
mod level_meter;
mod palette;
mod source_view;
mod spectrogram;

pub use app::{Action, App, AppSettings, Motion};
pub use connection::Connection;
pub use draw::{MIN_COLUMNS, MIN_ROWS, draw};
pub use event::{Event, LinkEvent};
pub use keys::{Command, KEYS, Key, KeyBinding};
pub use palette::{ColourDepth, Glyphs, Look};
