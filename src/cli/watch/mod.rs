//! `tympan watch`, and the view of `tympan run --live`: the terminal, its keys, and the loop that draws what `watch` has made of
//! the events. [`Screen`](screen) opens the terminal and leaves it clean; [`LiveView`] belongs to a daemon of this process.

mod command;
mod input;
mod live_view;
mod screen;
mod view;

pub use command::{WatchArguments, watch};
pub use live_view::LiveView;
