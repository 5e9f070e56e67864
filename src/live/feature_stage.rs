//! The thread `tympan-features`: takes samples from the ring, turns them into windows and sends those on, with the gaps
//! in their places. Fed by the sample ring, feeds the classify stage.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::LiveError;
use super::hurry::Hurry;
use super::input_meter::InputMeter;
use super::nap::Nap;
use super::window_outlet::WindowOutlet;
use crate::domain::Counters;
use crate::features::{Arrival, Featuriser};
use crate::recognition::Gap;
use crate::sources::{SampleConsumer, Taken};

/// Samples taken at a time: a callback's worth at most, whatever the device.
const BLOCK_SAMPLES: usize = 4096;

/// The body of the thread.
pub(super) struct FeatureStage {
    pub(super) samples: SampleConsumer,
    pub(super) featuriser: Featuriser,
    pub(super) outlet: WindowOutlet,
    pub(super) meter: InputMeter,
    pub(super) counters: Arc<Counters>,
    pub(super) hurry: Hurry,
}

impl FeatureStage {
    /// Works until the ring is closed and drained, nobody listens, or there is no more time.
    pub(super) fn run(mut self) -> Result<(), LiveError> {
        let mut block = vec![0.0; BLOCK_SAMPLES];
        let mut nap = Nap::new(self.samples.sample_rate());
        while !self.outlet.is_closed() {
            if self.hurry.is_on() {
                self.counters.samples_dropped.add(self.samples.waiting_samples() as u64);
                break;
            }
            match self.samples.take(&mut block) {
                Taken::Samples { count, arrival, .. } => {
                    nap.took(count as u64, arrival);
                    self.hear(&block[..count], Arrival::at(arrival));
                }
                Taken::Gap { start, samples, cause, arrival } => {
                    nap.took(samples, arrival);
                    let lasted = self.samples.sample_rate().duration_of(samples);
                    let noticed = Arrival::at(arrival).time;
                    let time = noticed.saturating_sub(lasted).unwrap_or(noticed);
                    self.featuriser.skip(samples);
                    debug_assert_eq!(self.featuriser.end(), start + samples);
                    self.outlet.tell(Gap { start_sample: start, samples, cause, time });
                }
                Taken::Empty => {
                    let missing = self.featuriser.samples_to_next_window();
                    thread::sleep(nap.length(missing, Instant::now()));
                }
                Taken::Ended => {
                    self.end();
                    break;
                }
            }
        }
        Ok(())
    }

    /// # Real time
    /// Does not allocate.
    fn hear(&mut self, samples: &[f32], arrival: Arrival) {
        self.meter.hear(samples);
        let before = self.featuriser.samples_repaired();
        let outlet = &mut self.outlet;
        self.featuriser.push(samples, arrival, &mut |ready| outlet.offer(ready));
        self.counters.samples_repaired.add(self.featuriser.samples_repaired() - before);
    }

    fn end(&mut self) {
        let outlet = &mut self.outlet;
        self.featuriser.flush(&mut |ready| outlet.offer(ready));
        if outlet.windows() == 0 {
            let heard = self.featuriser.end();
            log::warn!(
                "the source ended after {heard} samples, before its first window was complete: nothing was scored"
            );
        }
    }
}
