//! The state on a frame. [`draw()`] shares the screen out, and each panel draws its part: a file a panel, all through
//! [`Panel`](panel::Panel), which writes nothing outside it.

mod events;
mod help;
mod labels;
mod meter;
mod panel;
mod screen;
mod spectrogram;
mod status;

pub use screen::{MIN_COLUMNS, MIN_ROWS, draw};
