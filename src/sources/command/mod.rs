//! Layer 3: a program whose standard output is a source, such as ffmpeg for a camera: started, listened to, ended.

mod command_source;
mod restarts;

pub use command_source::{Command, CommandSpec};
pub use restarts::Restarts;
