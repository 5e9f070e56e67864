//! The queue before the broker: what waits, and what was handed over and is not acknowledged yet. Filled by publishers, emptied
//! by the client; pure.

use std::collections::{BTreeMap, VecDeque};

use super::message::{Delivery, Message};

/// Messages that are handed over at once. mosquitto takes 20 before it waits for acknowledgements of its own clients.
const MAX_IN_FLIGHT: usize = 16;

/// Names a message that was handed over; a later one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// Messages in the order in which they are to arrive.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Of records; states of which only the newest is of use are bounded by the number of their topics.
    capacity: usize,
    waiting: VecDeque<Queued>,
    in_flight: BTreeMap<Ticket, Queued>,
    /// Records that wait or are in flight.
    records: usize,
    next: u64,
}

#[derive(Debug)]
struct Queued {
    message: Message,
    /// Whether it is the last message of a record, whose room it gives back.
    ends_record: bool,
}

impl Outgoing {
    /// Room for `capacity` records.
    pub(super) fn new(capacity: usize) -> Self {
        let (waiting, in_flight) = (VecDeque::new(), BTreeMap::new());
        Self { capacity, waiting, in_flight, records: 0, next: 0 }
    }

    /// Whether another record has room.
    pub(super) fn has_room(&self) -> bool {
        self.records < self.capacity
    }

    /// Whether nothing waits and nothing is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    /// Whether the broker has yet to acknowledge something.
    pub(super) fn is_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Records that are not delivered.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// Adds the messages of one record, whether or not there is room; `keeps_states`: whether a broker is connected that is to
    /// have the states among them. At the next connection it gets all states anyway.
    pub(super) fn push(&mut self, messages: Vec<Message>, keeps_states: bool) {
        let last = messages.iter().rposition(|message| message.delivery == Delivery::Every);
        for (index, message) in messages.into_iter().enumerate() {
            match message.delivery {
                Delivery::Every => {
                    let ends_record = Some(index) == last;
                    self.records += usize::from(ends_record);
                    self.waiting.push_back(Queued { message, ends_record });
                }
                Delivery::Newest if keeps_states => self.push_newest(message),
                Delivery::Newest => {}
            }
        }
    }

    /// Adds only the states of a record that has no room.
    pub(super) fn push_states(&mut self, messages: Vec<Message>, keeps_states: bool) {
        let states = messages.into_iter().filter(|it| it.delivery == Delivery::Newest);
        states.filter(|_| keeps_states).for_each(|message| self.push_newest(message));
    }

    /// Adds a state in place of an older one that still waits.
    pub(super) fn push_newest(&mut self, message: Message) {
        let is_older = |queued: &Queued| {
            queued.message.delivery == Delivery::Newest && queued.message.topic == message.topic
        };
        if let Some(older) = self.waiting.iter().position(is_older) {
            self.waiting.remove(older);
        }
        self.waiting.push_back(Queued { message, ends_record: false });
    }

    /// A new connection: what no broker acknowledged is sent again, in its order, after `before` and before `after`. States that
    /// were left over are forgotten, for `before` has them all.
    pub(super) fn restart(&mut self, before: Vec<Message>, after: Message) {
        let in_flight = std::mem::take(&mut self.in_flight);
        let left = in_flight.into_values().chain(std::mem::take(&mut self.waiting));
        let left = left.filter(|queued| queued.message.delivery == Delivery::Every);
        let state = |message| Queued { message, ends_record: false };
        let before = before.into_iter().map(state);
        self.waiting = before.chain(left).chain([state(after)]).collect();
    }

    /// The next message to hand over, if the broker has room for one more.
    pub(super) fn take(&mut self) -> Option<(Ticket, &Message)> {
        if self.in_flight.len() >= MAX_IN_FLIGHT {
            return None;
        }
        let queued = self.waiting.pop_front()?;
        let ticket = Ticket(self.next);
        self.next += 1;
        let queued = self.in_flight.entry(ticket).or_insert(queued);
        Some((ticket, &queued.message))
    }

    /// The broker has it. An acknowledgement that came too late, for a connection that is gone, changes nothing.
    pub(super) fn acknowledge(&mut self, ticket: Ticket) {
        if let Some(queued) = self.in_flight.remove(&ticket) {
            self.records -= usize::from(queued.ends_record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(name: &str) -> Message {
        Message::every("records".to_owned(), name.to_owned())
    }

    fn state(topic: &str, payload: &str) -> Message {
        Message::newest(topic.to_owned(), payload)
    }

    /// Hands over all that there is room for.
    fn take_all(outgoing: &mut Outgoing) -> Vec<(Ticket, String)> {
        std::iter::from_fn(|| {
            outgoing.take().map(|(ticket, message)| (ticket, message.payload.clone()))
        })
        .collect()
    }

    fn payloads(taken: &[(Ticket, String)]) -> Vec<&str> {
        taken.iter().map(|(_, payload)| &**payload).collect()
    }

    #[test]
    fn no_more_than_sixteen_are_in_flight_and_each_acknowledgement_makes_room_for_one() {
        let mut outgoing = Outgoing::new(100);
        for number in 0..20 {
            outgoing.push(vec![every(&number.to_string())], true);
        }
        let taken = take_all(&mut outgoing);
        assert_eq!(taken.len(), 16);
        outgoing.acknowledge(taken[3].0);
        assert_eq!(payloads(&take_all(&mut outgoing)), ["16"]);
        assert_eq!(outgoing.records(), 19);
    }

    #[test]
    fn a_new_connection_gets_what_was_not_acknowledged_in_its_order_between_states_and_online() {
        let mut outgoing = Outgoing::new(100);
        for name in ["a", "b", "c"] {
            outgoing.push(vec![every(name), state("dog", "ON")], true);
        }
        let taken = take_all(&mut outgoing);
        assert_eq!(payloads(&taken), ["a", "b", "c", "ON"]);
        outgoing.push(vec![every("d")], false);
        outgoing.acknowledge(taken[1].0);
        outgoing.restart(vec![state("dog", "OFF")], state("status", "online"));
        assert_eq!(payloads(&take_all(&mut outgoing)), ["OFF", "a", "c", "d", "online"]);
        // the broker that is gone acknowledges nothing any more
        outgoing.acknowledge(taken[0].0);
        assert_eq!(outgoing.records(), 3);
    }

    #[test]
    fn of_states_that_wait_only_the_newest_of_a_topic_is_sent_and_of_events_every_one() {
        let mut outgoing = Outgoing::new(100);
        outgoing.push(vec![every("onset"), state("dog", "ON")], true);
        outgoing.push(vec![every("offset"), state("dog", "OFF")], true);
        assert_eq!(payloads(&take_all(&mut outgoing)), ["onset", "offset", "OFF"]);
    }

    #[test]
    fn without_a_connection_states_are_left_to_the_next_one() {
        let mut outgoing = Outgoing::new(1);
        outgoing.push(vec![every("onset"), every("event"), state("dog", "ON")], false);
        assert!(!outgoing.has_room(), "one record has room, whatever its messages");
        assert_eq!(payloads(&take_all(&mut outgoing)), ["onset", "event"]);
    }

    #[test]
    fn a_record_gives_its_room_back_with_its_last_message() {
        let mut outgoing = Outgoing::new(1);
        outgoing.push(vec![every("record"), every("event")], true);
        let taken = take_all(&mut outgoing);
        outgoing.acknowledge(taken[0].0);
        assert!(!outgoing.has_room());
        outgoing.acknowledge(taken[1].0);
        assert!(outgoing.has_room() && outgoing.is_empty());
    }
}
