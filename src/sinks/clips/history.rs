//! What a clip may be cut from: the last samples, in memory, and which windows scored them. The clip folder fills it from
//! the tap's blocks and from window records, on its thread.

use std::collections::VecDeque;

use super::audio_tap::AudioBlock;
use crate::domain::{SampleIndex, SampleRate, WindowRecord};

/// Samples without a hole between them, up to the newest.
#[derive(Debug)]
pub(super) struct History {
    start: u64,
    sample_rate: SampleRate,
    samples: VecDeque<f32>,
}

impl History {
    pub(super) fn new(sample_rate: SampleRate) -> Self {
        Self { start: 0, sample_rate, samples: VecDeque::new() }
    }

    /// Adds a block. After a hole, or at another rate, what was before is forgotten.
    pub(super) fn push(&mut self, block: &AudioBlock) {
        if !self.is_continued_by(block) {
            self.samples.clear();
            (self.start, self.sample_rate) = (block.start.0, block.sample_rate);
        }
        self.samples.extend(&block.samples);
    }

    /// Whether the block begins where the samples end.
    pub(super) fn is_continued_by(&self, block: &AudioBlock) -> bool {
        block.start == self.end() && block.sample_rate == self.sample_rate
    }

    /// Forgets all samples but the newest `kept`.
    pub(super) fn keep(&mut self, kept: u64) {
        let surplus = self.samples.len()
            - self.samples.len().min(usize::try_from(kept).unwrap_or(usize::MAX));
        self.samples.drain(..surplus);
        self.start += surplus as u64;
    }

    pub(super) fn start(&self) -> SampleIndex {
        SampleIndex(self.start)
    }

    /// One past the newest.
    pub(super) fn end(&self) -> SampleIndex {
        SampleIndex(self.start + self.samples.len() as u64)
    }

    pub(super) fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// A copy of the samples from `from` to `to`; none unless all of them are here.
    pub(super) fn copy(&self, from: SampleIndex, to: SampleIndex) -> Option<Vec<f32>> {
        let place = |index: SampleIndex| usize::try_from(index.0.checked_sub(self.start)?).ok();
        let (from, to) = (place(from)?, place(to)?);
        (from < to && to <= self.samples.len())
            .then(|| self.samples.range(from..to).copied().collect())
    }
}

/// The windows of the last seconds, oldest first, and which of them contained a denied label.
#[derive(Debug, Default)]
pub(super) struct DenyTracker(VecDeque<Span>);

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u64,
    end: u64,
    contains_denied: bool,
}

impl DenyTracker {
    pub(super) fn push(&mut self, window: &WindowRecord, contains_denied: bool) {
        let (start, end) = (window.start_sample.0, window.end_sample.0);
        self.0.push_back(Span { start, end, contains_denied });
    }

    /// Forgets windows that end before `sample`.
    pub(super) fn forget_before(&mut self, sample: u64) {
        while self.0.front().is_some_and(|span| span.end < sample) {
            self.0.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The part of `start` to `end` around `event` that windows cover without a hole; none if any window
    /// that touches it contained a denied label, or if no window covers the event's start.
    pub(super) fn permitted_span(
        &self,
        (start, end): (u64, u64),
        event: u64,
    ) -> Option<(u64, u64)> {
        let mut covered: Option<(u64, u64)> = None;
        for span in &self.0 {
            covered = match covered {
                Some((from, to)) if span.start <= to => Some((from, to.max(span.end))),
                // a hole behind the event ends what is covered, one before it begins anew
                Some((_, to)) if to > event => break,
                _ => Some((span.start, span.end)),
            };
        }
        let (from, to) = covered.filter(|(from, to)| (*from..*to).contains(&event))?;
        let (from, to) = (from.max(start), to.min(end));
        let touching = self.0.iter().filter(|span| span.start < to && span.end > from);
        (from < to && !touching.into_iter().any(|span| span.contains_denied)).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker(spans: &[(u64, u64, bool)]) -> DenyTracker {
        let span = |&(start, end, contains_denied)| Span { start, end, contains_denied };
        DenyTracker(spans.iter().map(span).collect())
    }

    #[test]
    fn a_clip_is_cut_to_the_span_that_windows_cover() {
        let tracker = tracker(&[(100, 200, false), (150, 250, false), (250, 350, false)]);
        assert_eq!(tracker.permitted_span((120, 300), 130), Some((120, 300)));
        assert_eq!(tracker.permitted_span((0, 1_000), 130), Some((100, 350)));
        assert_eq!(tracker.permitted_span((0, 1_000), 400), None);
    }

    #[test]
    fn a_hole_in_the_windows_ends_a_clip_or_begins_it() {
        let tracker = tracker(&[(100, 200, false), (240, 340, false)]);
        assert_eq!(tracker.permitted_span((0, 1_000), 130), Some((100, 200)));
        assert_eq!(tracker.permitted_span((0, 1_000), 300), Some((240, 340)));
        assert_eq!(tracker.permitted_span((0, 1_000), 220), None);
    }

    #[test]
    fn one_window_with_a_denied_label_spoils_every_clip_it_touches() {
        let tracker = tracker(&[(100, 200, false), (150, 250, true), (200, 300, false)]);
        assert_eq!(tracker.permitted_span((100, 160), 120), None);
        assert_eq!(tracker.permitted_span((100, 150), 120), Some((100, 150)));
        assert_eq!(tracker.permitted_span((250, 300), 260), Some((250, 300)));
    }
}
