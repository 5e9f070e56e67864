//! What is kept of the inputs that were scored last. Held by [`super::NetworkScorer`].

use std::convert::Infallible;

use crate::domain::StreamId;

/// States of inputs; the one that was asked for last stands last.
pub struct RecentStreams<T> {
    most: usize,
    streams: Vec<(StreamId, T)>,
}

impl<T> RecentStreams<T> {
    /// Room for `most` inputs.
    pub fn new(most: usize) -> Self {
        Self { most, streams: Vec::new() }
    }

    /// How many inputs there is room for.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether `id` is one of the last `count` that were asked for.
    pub fn is_among_latest(&self, count: usize, id: StreamId) -> bool {
        let first = self.streams.len().saturating_sub(count);
        self.streams[first..].iter().any(|(known, _)| *known == id)
    }

    /// The last `count` that were asked for, in that order.
    pub fn latest_ones(&mut self, count: usize) -> &mut [(StreamId, T)] {
        let first = self.streams.len().saturating_sub(count);
        &mut self.streams[first..]
    }

    /// The state of an input, which then stands last. One that is not known begins; where there is no more room, it takes the
    /// place of the one that was asked for longest ago, which begins `again`.
    pub fn latest(
        &mut self,
        id: StreamId,
        begin: impl FnOnce() -> T,
        again: impl FnOnce(&mut T),
    ) -> &mut T {
        let Ok(state) = self.latest_or::<Infallible>(id, || Ok(begin()), again);
        state
    }

    /// As [`Self::latest`], where `begin` may fail.
    ///
    /// # Errors
    /// Those of `begin`.
    pub fn latest_or<E>(
        &mut self,
        id: StreamId,
        begin: impl FnOnce() -> Result<T, E>,
        again: impl FnOnce(&mut T),
    ) -> Result<&mut T, E> {
        if let Some(at) = self.streams.iter().position(|(known, _)| *known == id) {
            self.streams[at..].rotate_left(1);
        } else if self.streams.len() < self.most {
            self.streams.push((id, begin()?));
        } else {
            self.streams.rotate_left(1);
            let (last_id, last) = &mut self.streams[self.most - 1];
            *last_id = id;
            again(last);
        }
        let last = self.streams.last_mut().expect("invariant: the stream was put there");
        Ok(&mut last.1)
    }
}
