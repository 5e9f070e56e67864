//! What changes the view: keys, the terminal, the daemons, the clock. Made by the threads of `cli` and of the connections, taken
//! by [`App::on`](super::App::on).

use std::time::Duration;

use super::keys::Key;
use crate::protocol::Message;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// The terminal has another size.
    Resized,
    /// Time went by.
    Tick,
    /// Something came from a daemon, or happened to the connection to it.
    Link {
        /// The daemon's place among those that are watched.
        daemon: usize,
        /// What it was.
        event: LinkEvent,
    },
    /// This process logged a line.
    Log(String),
}

/// What happens on the connection to a daemon.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkEvent {
    /// The daemon greeted, in a protocol that this program speaks.
    Up {
        /// The daemon's program version.
        version: String,
    },
    /// It sent a line.
    Message(Box<Message>),
    /// Nobody listens, or the connection broke; it is made again.
    Down {
        /// Why, in words.
        why: String,
        /// When the next try is made.
        retry_in: Duration,
    },
    /// What answers is nothing that can be watched; it is tried again all the same, for another may come in its place.
    Unusable {
        /// Why, in words.
        why: String,
        /// When the next try is made.
        retry_in: Duration,
    },
}
