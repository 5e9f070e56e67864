//! Layer 1: other programs that tympan starts: whether they are there, how all of them is ended, and what they say.

mod addresses;
mod child_group;
mod messages;
mod search_path;

pub use addresses::hosts_of;
pub use child_group::{ChildGroup, exit_in_words};
pub use messages::{LastLine, relay, without_credentials};
pub use search_path::is_program;
