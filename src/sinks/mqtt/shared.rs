//! What publishers and the client of a broker share: the queue, the states, and the flags of an end. Locked for a few
//! instructions; whoever made work for the client wakes it.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::discovery::Discovery;
use super::levels::Levels;
use super::message::Message;
use super::outgoing::Outgoing;
use super::retained_states::RetainedStates;
use crate::sinks::metrics::QueueLength;

pub(super) const ONLINE: &str = "online";
pub(super) const OFFLINE: &str = "offline";

/// Shared by the threads.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Wakes the client.
    pub(super) work: Notify,
    /// Wakes publishers that wait for room.
    pub(super) room: Condvar,
}

/// Under the lock.
pub(super) struct State {
    pub(super) outgoing: Outgoing,
    pub(super) states: RetainedStates,
    pub(super) levels: Levels,
    /// None if nothing is to be announced.
    pub(super) discovery: Option<Discovery>,
    /// Whether a broker has greeted, and gets states as they change.
    pub(super) is_connected: bool,
    /// Nobody waits for room any more.
    pub(super) is_cancelled: bool,
    /// What is queued is the last.
    pub(super) is_closing: bool,
    /// Nothing more is taken.
    pub(super) has_ended: bool,
}

impl QueueLength for Shared {
    fn records(&self) -> u64 {
        self.lock().outgoing.records() as u64
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(
        outgoing: Outgoing,
        states: RetainedStates,
        discovery: Option<Discovery>,
    ) -> Self {
        let state = State {
            outgoing,
            states,
            levels: Levels::default(),
            discovery,
            is_connected: false,
            is_cancelled: false,
            is_closing: false,
            has_ended: false,
        };
        Self { state: Mutex::new(state), work: Notify::new(), room: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for another thread to give the lock's condition a chance.
    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.room.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A broker has greeted: it gets what is announced, how everything stands, what waits, and only then that all of it holds.
    pub(super) fn connected(&mut self) {
        self.is_connected = true;
        let mut before = self.announcements();
        before.extend(self.states.retained());
        let word = if self.is_closing { OFFLINE } else { ONLINE };
        self.outgoing.restart(before, Message::newest(self.states.topics().status(), word));
    }

    /// Queues the announcements once more.
    pub(super) fn announce(&mut self) {
        if self.is_connected {
            for message in self.announcements() {
                self.outgoing.push_newest(message);
            }
        }
    }

    /// Queues the last words.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
        let mut last = self.states.silence();
        last.push(Message::newest(self.states.topics().status(), OFFLINE));
        if self.is_connected {
            last.into_iter().for_each(|message| self.outgoing.push_newest(message));
        }
    }

    fn announcements(&self) -> Vec<Message> {
        let announce =
            |discovery: &Discovery| discovery.messages(self.states.topics(), self.states.watched());
        self.discovery.as_ref().map(announce).unwrap_or_default()
    }
}
