//! The thread `tympan-features`: takes samples from the ring, turns them into windows and sends those on, with the gaps
//! in their places. Fed by the sample ring, feeds the classify stage.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::LiveError;
use super::heard::Handover;
use super::hurry::Hurry;
use super::input_meter::InputMeter;
use super::nap::Nap;
use super::reloading::Successor;
use super::takeover::Takeover;
use super::window_outlet::WindowOutlet;
use crate::domain::{Counters, GapCause, SampleIndex, SampleRate};
use crate::features::{Arrival, Featuriser, FeaturiserSpec};
use crate::recognition::Gap;
use crate::sinks::AudioTap;
use crate::sources::{RingItem, SampleConsumer};

/// Samples taken at a time: a callback's worth at most, whatever the device.
const BLOCK_SAMPLES: usize = 4096;

/// The body of the thread.
pub(super) struct FeatureStage {
    /// A ring for each time that the source is opened.
    pub(super) rings: Receiver<SampleConsumer>,
    /// What takes over after a reload.
    pub(super) successors: Receiver<Successor>,
    /// The one that waits for the end of a window.
    pub(super) takeover: Option<Takeover>,
    pub(super) spec: FeaturiserSpec,
    pub(super) featuriser: Featuriser,
    pub(super) outlet: WindowOutlet,
    pub(super) tap: Option<AudioTap>,
    pub(super) meter: InputMeter,
    pub(super) counters: Arc<Counters>,
    pub(super) hurry: Hurry,
}

/// Where the last ring ended.
#[derive(Clone, Copy)]
struct Heard {
    sample_rate: SampleRate,
    last_arrival: Instant,
}

impl FeatureStage {
    /// Works until no ring is left and the last one is closed and drained, nobody listens, or there is no more time.
    pub(super) fn run(mut self) -> Result<(), LiveError> {
        let mut block = vec![0.0; BLOCK_SAMPLES];
        let mut before = None;
        while let Some(ring) = self.next_ring() {
            before = Some(self.drain(ring, before, &mut block)?);
            if self.outlet.is_closed() || self.hurry.is_on() {
                return Ok(());
            }
        }
        if self.outlet.windows() == 0 {
            let heard = self.featuriser.end();
            log::warn!(
                "the source ended after {heard} samples, before its first window was complete: nothing was scored"
            );
        }
        Ok(())
    }

    /// Waits for a ring. What is to take over while there is none takes over at once.
    fn next_ring(&mut self) -> Option<SampleConsumer> {
        loop {
            if let Some(Takeover { successor, .. }) = self.takeover.take() {
                self.succeed(successor, self.featuriser.end());
            }
            let mut either = Select::new();
            let ring = either.recv(&self.rings);
            either.recv(&self.successors);
            if either.ready() == ring {
                return self.rings.recv().ok();
            }
            match self.successors.try_recv() {
                Ok(successor) => self.succeed(successor, self.featuriser.end()),
                Err(TryRecvError::Empty) => {}
                // the supervisor is on its way out
                Err(TryRecvError::Disconnected) => return self.rings.recv().ok(),
            }
        }
    }

    /// Hears one ring to its end, as what follows the one `before`.
    fn drain(
        &mut self,
        mut ring: SampleConsumer,
        before: Option<Heard>,
        block: &mut [f32],
    ) -> Result<Heard, LiveError> {
        let sample_rate = ring.sample_rate();
        let mut nap = Nap::new(sample_rate);
        // a source that delivers nothing at all was missed from here on
        let nothing = Heard { sample_rate, last_arrival: Instant::now() };
        let (mut heard, mut before) = (before.unwrap_or(nothing), before);
        while !self.outlet.is_closed() {
            if self.hurry.is_on() {
                self.counters.samples_dropped.add(ring.waiting_samples() as u64);
                break;
            }
            self.look_for_successor();
            let taken = ring.take(block);
            if let (Some(lost), RingItem::Samples { count: samples, arrival, .. }) = (before, taken)
            {
                self.resume(lost, sample_rate, (samples as u64, arrival))?;
                before = None;
            }
            match taken {
                RingItem::Samples { count, arrival, .. } => {
                    nap.took(count as u64, arrival);
                    heard = Heard { sample_rate, last_arrival: arrival };
                    if let Some(tap) = &mut self.tap {
                        tap.push(self.featuriser.end(), sample_rate, &block[..count]);
                    }
                    self.hear(&block[..count], Arrival::at(arrival));
                }
                // a device that came back with a loss: all of it is one gap, which ends with the first block
                RingItem::Gap { .. } if before.is_some() => {}
                RingItem::Gap { samples, cause, arrival, .. } => {
                    nap.took(samples, arrival);
                    self.miss(samples, cause, arrival, sample_rate);
                }
                RingItem::Empty => {
                    let missing = self.featuriser.samples_to_next_window();
                    thread::sleep(nap.length(missing, Instant::now()));
                }
                RingItem::Ended => {
                    let outlet = &mut self.outlet;
                    self.featuriser.flush(&mut |ready| outlet.offer(ready));
                    break;
                }
            }
        }
        Ok(heard)
    }

    /// # Real time
    /// Does not allocate, but for a successor.
    fn hear(&mut self, samples: &[f32], arrival: Arrival) {
        self.meter.hear(samples);
        self.feature(samples, arrival);
        let Some(mut takeover) = self.takeover.take() else { return };
        takeover.keep(samples);
        let window_end = self.featuriser.window_end();
        let Some((end, behind)) =
            window_end.and_then(|end| Some((end, takeover.after(end)?.to_vec())))
        else {
            self.takeover = Some(takeover);
            return;
        };
        self.succeed(takeover.successor, end);
        self.feature(&behind, arrival);
    }

    /// # Real time
    /// Does not allocate.
    fn feature(&mut self, samples: &[f32], arrival: Arrival) {
        let before = self.featuriser.samples_repaired();
        let outlet = &mut self.outlet;
        self.featuriser.push(samples, arrival, &mut |ready| outlet.offer(ready));
        self.counters.samples_repaired.add(self.featuriser.samples_repaired() - before);
    }

    /// A successor that needs the same windows takes over at once, any other when the next window has ended.
    fn look_for_successor(&mut self) {
        let Ok(successor) = self.successors.try_recv() else { return };
        let next = self.featuriser.end();
        if successor.featuriser == self.spec {
            self.succeed(successor, next);
        } else {
            self.takeover = Some(Takeover::new(successor, next));
        }
    }

    /// Goes on with another recogniser, and if it needs one with another front end, from sample `start` on: no sample is heard
    /// by none of the two.
    fn succeed(&mut self, successor: Successor, start: SampleIndex) {
        let Successor { featuriser: spec, recogniser, done } = successor;
        if spec == self.spec {
            return self.outlet.hand_over(Handover { recogniser, inlet: None, done });
        }
        match self.featuriser.successor(&spec, start) {
            Ok(featuriser) => {
                let (outlet, inlet) = self.outlet.renewed(&featuriser.empty_window());
                self.outlet.hand_over(Handover { recogniser, inlet: Some(inlet), done });
                (self.spec, self.featuriser, self.outlet) = (spec, featuriser, outlet);
            }
            Err(error) => {
                // nobody waits any more when the daemon has ended meanwhile
                let _ = done.try_send(Err(error.to_string()));
            }
        }
    }

    /// Passes over `samples` that were lost before `noticed`, and tells of them.
    fn miss(&mut self, samples: u64, cause: GapCause, noticed: Instant, sample_rate: SampleRate) {
        let noticed = Arrival::at(noticed).time;
        let time = noticed.saturating_sub(sample_rate.duration_of(samples)).unwrap_or(noticed);
        let start_sample = self.featuriser.end();
        self.meter.gap();
        self.featuriser.skip(samples);
        if let Some(takeover) = &mut self.takeover {
            takeover.pass_over(self.featuriser.end());
        }
        self.outlet.tell(Gap { start_sample, sample_rate, samples, cause, time });
    }

    /// Goes on with a source that came back with a first block of so many samples at this time. An index divided by the
    /// rate stays the time since the daemon began to hear, whatever the rate is.
    fn resume(
        &mut self,
        lost: Heard,
        sample_rate: SampleRate,
        (samples, arrival): (u64, Instant),
    ) -> Result<(), LiveError> {
        let rates = (u128::from(lost.sample_rate.hz()), u128::from(sample_rate.hz()));
        let start = (u128::from(self.featuriser.end().0) * rates.1).div_ceil(rates.0);
        let start = SampleIndex(u64::try_from(start).unwrap_or(u64::MAX));
        self.featuriser.resume(sample_rate, start)?;
        let away = arrival.saturating_duration_since(lost.last_arrival);
        let missed = sample_rate.samples_in(away).saturating_sub(samples);
        self.miss(missed, GapCause::DeviceLost, arrival, sample_rate);
        Ok(())
    }
}
