//! What is tympan's own in the ring: in which order samples, marks and the end are written, and in which they are read.
//! Every interleaving of those steps is walked through, and every other order is shown to lose something. Each step is one
//! operation of `ringbuf` or of an atomic, all of which release what they write and acquire what they read.

use std::collections::HashSet;

/// One thing that the source's side does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Samples(u8),
    Mark(u8),
    LetGo,
}

/// One thing that the feature stage's side does, in `SampleConsumer::take`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    AskWhetherOpen,
    PopMark,
    PopSamples,
}

/// Where both sides are, and what lies between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct State {
    written: usize,
    read: usize,
    samples: u8,
    marks: Vec<u8>,
    let_go: bool,
    /// What the reader remembers within one `take`: whether the ring was open, and the mark it popped.
    was_open: bool,
    popped: Option<u8>,
    taken: u8,
    ended: bool,
}

/// The end of `SampleProducer`: two blocks, as `put` writes them, the gap that `drop` flushes, and the ring let go.
const WRITES: [Write; 6] = [
    Write::Samples(2),
    Write::Mark(2),
    Write::Samples(1),
    Write::Mark(1),
    // a gap is a mark without samples
    Write::Mark(0),
    Write::LetGo,
];

const READS: [Read; 3] = [Read::AskWhetherOpen, Read::PopMark, Read::PopSamples];

impl State {
    fn write(&self, writes: &[Write]) -> Option<Self> {
        let write = writes.get(self.written)?;
        let mut next = Self { written: self.written + 1, ..self.clone() };
        match *write {
            Write::Samples(count) => next.samples += count,
            Write::Mark(count) => next.marks.push(count),
            Write::LetGo => next.let_go = true,
        }
        Some(next)
    }

    /// The next step of the reader; what is wrong if a step goes wrong.
    fn read(&self, reads: &[Read]) -> Result<Option<Self>, String> {
        if self.ended {
            return Ok(None);
        }
        let mut next = Self { read: (self.read + 1) % reads.len(), ..self.clone() };
        match reads[self.read] {
            Read::AskWhetherOpen => next.was_open = !self.let_go,
            Read::PopMark if self.marks.is_empty() => next.popped = None,
            Read::PopMark => next.popped = Some(next.marks.remove(0)),
            Read::PopSamples => {
                let count = self.popped.unwrap_or(0);
                next.samples = self
                    .samples
                    .checked_sub(count)
                    .ok_or_else(|| format!("a mark precedes its samples: {self:?}"))?;
                next.taken += count;
            }
        }
        if next.read == 0 {
            next.ended = next.popped.is_none() && !next.was_open;
            next.popped = None;
        }
        Ok(Some(next))
    }
}

/// Walks through every interleaving; the first that goes wrong.
fn walk(writes: &[Write], reads: &[Read]) -> Result<usize, String> {
    let (mut seen, mut open) = (HashSet::new(), vec![State::default()]);
    while let Some(state) = open.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        if state.ended && !(state.samples == 0 && state.marks.is_empty() && state.taken == 3) {
            return Err(format!("it ends before all is taken: {state:?}"));
        }
        open.extend(state.write(writes));
        open.extend(state.read(reads)?);
    }
    assert!(seen.iter().any(|state| state.ended), "no walk comes to the end");
    Ok(seen.len())
}

#[test]
fn in_every_interleaving_all_that_was_pushed_is_taken_before_the_end() {
    let states = walk(&WRITES, &READS).unwrap();
    assert!(states > 50, "only {states} states: the walk proves nothing");
}

#[test]
fn any_other_order_loses_something() {
    let mut mark_first = WRITES;
    mark_first.swap(2, 3);
    assert!(walk(&mark_first, &READS).unwrap_err().contains("precedes its samples"));
    let mut gap_last = WRITES;
    gap_last.swap(4, 5);
    assert!(walk(&gap_last, &READS).unwrap_err().contains("ends before all"));
    let mut asked_late = READS;
    asked_late.swap(0, 1);
    assert!(walk(&WRITES, &asked_late).unwrap_err().contains("ends before all"));
}
