//! Lines of text in the order of their places in a recording: an event is known only some windows after its onset, so
//! lines of later places wait that long. Used by standard output, on its thread.

use std::collections::VecDeque;

use crate::domain::{EventPhase, Record, SampleIndex};

/// What time is in text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextClock {
    /// That of the day.
    Wall,
    /// The place in the recording that is processed; lines are in its order.
    Recording {
        /// So many windows before the one that confirms it, an event may begin at most.
        onset_windows: usize,
    },
}

/// Holds lines back for as long as an earlier one may come.
#[derive(Debug)]
pub(super) struct RecordingOrder {
    onset_windows: usize,
    /// The ends of the last windows, the newest last.
    ends: VecDeque<SampleIndex>,
    /// How far the recording was processed.
    processed: SampleIndex,
    /// In the order of their places, and as they came where those are the same.
    held: VecDeque<(SampleIndex, String)>,
}

impl RecordingOrder {
    pub(super) fn new(onset_windows: usize) -> Self {
        let (ends, held) = (VecDeque::new(), VecDeque::new());
        Self { onset_windows, ends, processed: SampleIndex(0), held }
    }

    /// Where in the recording a record belongs.
    pub(super) fn place_of(&mut self, record: &Record) -> SampleIndex {
        let place = match record {
            Record::Window(window) => window.end_sample,
            Record::Event(event) => match event.phase {
                EventPhase::Onset { .. } => event.start_sample,
                EventPhase::Offset { end_sample, .. } => end_sample,
            },
            Record::Gap(gap) => gap.start_sample,
            Record::Status(_) => self.processed,
        };
        self.processed = self.processed.max(place);
        place
    }

    /// Whether something of the recording was processed.
    pub(super) fn has_begun(&self) -> bool {
        self.processed > SampleIndex(0)
    }

    /// Takes a line for its place.
    pub(super) fn hold(&mut self, place: SampleIndex, line: &str) {
        let at = self.held.partition_point(|(held, _)| *held <= place);
        self.held.insert(at, (place, line.to_owned()));
    }

    /// Takes the end of a window; what can still come begins no earlier than some windows before it.
    pub(super) fn window(&mut self, end: SampleIndex) {
        self.ends.push_back(end);
        if self.ends.len() > self.onset_windows.max(1) {
            self.ends.pop_front();
        }
    }

    /// The next line that no earlier one can follow.
    pub(super) fn next(&mut self) -> Option<String> {
        let is_full = self.ends.len() >= self.onset_windows.max(1);
        let safe = self.ends.front().filter(|_| is_full)?;
        let is_due = self.held.front().is_some_and(|(place, _)| place <= safe);
        if is_due { self.held.pop_front().map(|(_, line)| line) } else { None }
    }

    /// The next line, whatever may come: at a gap and at the end nothing earlier does.
    pub(super) fn rest(&mut self) -> Option<String> {
        self.ends.clear();
        self.held.pop_front().map(|(_, line)| line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_onset_that_is_known_late_stands_before_what_was_later() {
        let mut order = RecordingOrder::new(3);
        let mut written = Vec::new();
        for end in [10, 20, 30, 40, 50, 60, 70] {
            order.window(SampleIndex(end));
            order.hold(SampleIndex(end), &format!("window {end}"));
            if end == 50 {
                order.hold(SampleIndex(30), "onset 30");
            }
            written.extend(std::iter::from_fn(|| order.next()));
        }
        written.extend(std::iter::from_fn(|| order.rest()));
        let places: Vec<u64> =
            written.iter().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
        assert_eq!(places, [10, 20, 30, 30, 40, 50, 60, 70]);
    }
}
