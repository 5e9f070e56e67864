//! The samples' way to the clip folder: blocks that circulate between the feature stage and the clip folder.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::domain::{Overflow, SampleIndex, SampleRate};

/// Samples of one block: a callback's worth is split if it is longer.
const BLOCK_SAMPLES: usize = 1024;

/// Blocks under way at once: five seconds of callbacks of 10 ms, while the clip folder waits for a slow disk.
const BLOCKS: usize = 512;

/// A recording that is read as fast as possible waits for the clip folder, but not for ever: that one takes blocks only when
/// a record comes, and with a window as long as all blocks none would.
const OFFLINE_TIMEOUT: Duration = Duration::from_secs(1);

/// Consecutive samples.
#[derive(Debug)]
pub struct AudioBlock {
    pub(super) start: SampleIndex,
    pub(super) sample_rate: SampleRate,
    pub(super) samples: Vec<f32>,
}

/// The feature stage's end.
pub struct AudioTap {
    blocks: Sender<AudioBlock>,
    spare: Receiver<AudioBlock>,
    timeout: Duration,
}

/// The clip folder's end.
#[derive(Debug)]
pub(super) struct AudioFeed {
    pub(super) blocks: Receiver<AudioBlock>,
    spent: Sender<AudioBlock>,
}

pub(super) fn audio_tap(sample_rate: SampleRate, overflow: Overflow) -> (AudioTap, AudioFeed) {
    let timeout = match overflow {
        Overflow::DropNewest => Duration::ZERO,
        Overflow::Block => OFFLINE_TIMEOUT,
    };
    let (sender, blocks) = bounded(BLOCKS);
    let (spent, spare) = bounded(BLOCKS);
    for _ in 0..BLOCKS {
        let samples = Vec::with_capacity(BLOCK_SAMPLES);
        let block = AudioBlock { start: SampleIndex(0), sample_rate, samples };
        spent.try_send(block).expect("invariant: the channel holds all blocks");
    }
    (AudioTap { blocks: sender, spare, timeout }, AudioFeed { blocks, spent })
}

impl AudioTap {
    /// Copies `samples`, the first of which is number `start`. What finds no room is left out: a clip with a hole in it
    /// is not kept.
    ///
    /// # Real time
    /// Live, does not allocate, and never waits.
    pub fn push(&mut self, start: SampleIndex, sample_rate: SampleRate, samples: &[f32]) {
        let starts = (start.0..).step_by(BLOCK_SAMPLES);
        for (part, start) in samples.chunks(BLOCK_SAMPLES).zip(starts) {
            let Ok(mut block) = self.spare.recv_timeout(self.timeout) else { return };
            block.samples.clear();
            block.samples.extend_from_slice(part);
            (block.start, block.sample_rate) = (SampleIndex(start), sample_rate);
            // room for every block there is; the clip folder may have ended
            let _ = self.blocks.try_send(block);
        }
    }
}

impl AudioFeed {
    pub(super) fn give_back(&self, block: AudioBlock) {
        // the feature stage may have ended
        let _ = self.spent.try_send(block);
    }
}
