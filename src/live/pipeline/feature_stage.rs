//! The thread `tympan-features`: takes samples of one input from its ring, turns them into windows and sends those on, with
//! the gaps in their places. Fed by the sample ring, feeds the classify stage.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::poll_schedule::PollSchedule;
use super::stage_thread::CancelToken;
use super::window_channel::WindowOutlet;
use crate::domain::{GapCause, InputCounters, SampleIndex, SampleRate};
use crate::features::{Arrival, Featuriser, FeaturiserSpec};
use crate::live::LiveError;
use crate::live::health::InputMeter;
use crate::recognition::Gap;
use crate::sinks::AudioTap;
use crate::sources::{RingItem, SampleConsumer};

/// Samples taken at a time: a callback's worth at most, whatever the device.
const BLOCK_SAMPLES: usize = 4096;

/// The body of the thread.
pub(super) struct FeatureStage {
    /// A ring for each time that the source is opened.
    pub(super) rings: Receiver<SampleConsumer>,
    /// What the model of a reload is fed with.
    pub(super) featurisers: Receiver<FeaturiserSpec>,
    pub(super) spec: FeaturiserSpec,
    pub(super) featuriser: Featuriser,
    pub(super) outlet: WindowOutlet,
    pub(super) tap: Option<AudioTap>,
    pub(super) meter: InputMeter,
    pub(super) counters: Arc<InputCounters>,
    pub(super) cancel: CancelToken,
}

/// Where the last ring ended.
#[derive(Clone, Copy)]
struct PreviousRing {
    sample_rate: SampleRate,
    last_arrival: Instant,
}

impl FeatureStage {
    /// Works until no ring is left and the last one is closed and drained, the classify stage has ended, or it is cancelled.
    pub(super) fn run(mut self) -> Result<(), LiveError> {
        let mut block = vec![0.0; BLOCK_SAMPLES];
        let mut previous = None;
        while let Some(ring) = self.next_ring()? {
            previous = Some(self.drain(ring, previous, &mut block)?);
            if self.outlet.is_closed() || self.cancel.is_cancelled() {
                return Ok(());
            }
        }
        if self.outlet.windows() == 0 {
            let samples = self.featuriser.end();
            log::warn!(
                "the source ended after {samples} samples, before its first window was complete: nothing was scored"
            );
        }
        Ok(())
    }

    /// Waits for a ring; takes what a reload brings meanwhile.
    fn next_ring(&mut self) -> Result<Option<SampleConsumer>, LiveError> {
        loop {
            let mut either = Select::new();
            let ring = either.recv(&self.rings);
            either.recv(&self.featurisers);
            if either.ready() == ring {
                return Ok(self.rings.recv().ok());
            }
            match self.featurisers.try_recv() {
                Ok(spec) => self.swap_featuriser(spec)?,
                Err(TryRecvError::Empty) => {}
                // the supervisor has begun the shutdown
                Err(TryRecvError::Disconnected) => return Ok(self.rings.recv().ok()),
            }
        }
    }

    /// Processes one ring to its end, as what follows the `previous` one.
    fn drain(
        &mut self,
        mut ring: SampleConsumer,
        previous: Option<PreviousRing>,
        block: &mut [f32],
    ) -> Result<PreviousRing, LiveError> {
        let sample_rate = ring.sample_rate();
        let mut schedule = PollSchedule::new(sample_rate);
        // a source that delivers nothing at all was missed from here on
        let nothing = PreviousRing { sample_rate, last_arrival: Instant::now() };
        let (mut position, mut previous) = (previous.unwrap_or(nothing), previous);
        while !self.outlet.is_closed() {
            if self.cancel.is_cancelled() {
                self.counters.samples_dropped.add(ring.waiting_samples() as u64);
                break;
            }
            if let Ok(spec) = self.featurisers.try_recv() {
                self.swap_featuriser(spec)?;
            }
            let taken = ring.take(block);
            if let (Some(lost), RingItem::Samples { count: samples, arrival, .. }) =
                (previous, taken)
            {
                self.resume(lost, sample_rate, samples as u64, arrival)?;
                previous = None;
            }
            match taken {
                RingItem::Samples { count, arrival, .. } => {
                    schedule.took(count as u64, arrival);
                    position = PreviousRing { sample_rate, last_arrival: arrival };
                    if let Some(tap) = &mut self.tap {
                        tap.push(self.featuriser.end(), sample_rate, &block[..count]);
                    }
                    self.process(&block[..count], Arrival::at(arrival));
                }
                // a device that came back with a loss: all of it is one gap, which ends with the first block
                RingItem::Gap { .. } if previous.is_some() => {}
                RingItem::Gap { samples, cause, arrival, .. } => {
                    schedule.took(samples, arrival);
                    self.skip(samples, cause, arrival, sample_rate);
                }
                RingItem::Empty => {
                    let missing = self.featuriser.samples_to_next_window();
                    thread::sleep(schedule.pause(missing, Instant::now()));
                }
                RingItem::Ended => {
                    let outlet = &mut self.outlet;
                    self.featuriser.flush(&mut |ready| outlet.offer(ready));
                    break;
                }
            }
        }
        Ok(position)
    }

    /// # Real time
    /// Does not allocate.
    fn process(&mut self, samples: &[f32], arrival: Arrival) {
        self.meter.update(samples);
        let before = self.featuriser.samples_repaired();
        let outlet = &mut self.outlet;
        self.featuriser.push(samples, arrival, &mut |ready| outlet.offer(ready));
        self.counters.samples_repaired.add(self.featuriser.samples_repaired() - before);
    }

    /// Goes on with the front end of a reload. If it is another one, its first window begins with the next sample.
    fn swap_featuriser(&mut self, spec: FeaturiserSpec) -> Result<(), LiveError> {
        if spec == self.spec {
            self.outlet.swap_model(None);
            return Ok(());
        }
        self.featuriser = self.featuriser.with_spec(&spec, self.featuriser.end())?;
        self.spec = spec;
        self.outlet.swap_model(Some(&self.featuriser.empty_window()));
        Ok(())
    }

    /// Passes over `samples` that were lost before `noticed`, and reports them.
    fn skip(&mut self, samples: u64, cause: GapCause, noticed: Instant, sample_rate: SampleRate) {
        let noticed = Arrival::at(noticed).time;
        let time = noticed.saturating_sub(sample_rate.duration_of(samples)).unwrap_or(noticed);
        let start_sample = self.featuriser.end();
        self.meter.gap();
        self.featuriser.skip(samples);
        self.outlet.send_gap(Gap { start_sample, sample_rate, samples, cause, time });
    }

    /// Goes on with a source that came back with a first block of `samples` at `arrival`. An index divided by the rate stays
    /// the time since the daemon began to capture, whatever the rate is.
    fn resume(
        &mut self,
        lost: PreviousRing,
        sample_rate: SampleRate,
        samples: u64,
        arrival: Instant,
    ) -> Result<(), LiveError> {
        let rates = (u128::from(lost.sample_rate.hz()), u128::from(sample_rate.hz()));
        let start = (u128::from(self.featuriser.end().0) * rates.1).div_ceil(rates.0);
        let start = SampleIndex(u64::try_from(start).unwrap_or(u64::MAX));
        self.featuriser.resume(sample_rate, start)?;
        let away = arrival.saturating_duration_since(lost.last_arrival);
        let missed = sample_rate.samples_in(away).saturating_sub(samples);
        self.skip(missed, GapCause::DeviceLost, arrival, sample_rate);
        Ok(())
    }
}
