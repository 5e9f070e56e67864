//! Level records of one input for clients that ask for them, with the room's floor. Polled by the supervisor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::InputLevel;
use crate::domain::LevelRecord;
use crate::dsp::power_to_dbfs;

/// From one record to the next, at least: 20 a second.
const INTERVAL: Duration = Duration::from_millis(50);
/// Records that the floor is taken of: ten seconds.
const FLOOR_RECORDS: usize = 200;
/// What share of them stays below it.
const FLOOR_SHARE: f64 = 0.1;

/// Makes the records of one input.
#[derive(Debug, Default)]
pub(in crate::live) struct LevelMeter {
    last: Option<Instant>,
    /// Levels of the last records, the newest last.
    recent: VecDeque<f32>,
}

impl LevelMeter {
    /// A record, if one is due and samples came.
    pub(in crate::live) fn poll(
        &mut self,
        level: &InputLevel,
        source: &Arc<str>,
        now: Instant,
    ) -> Option<LevelRecord> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            return None;
        }
        let loudness = level.take_loudness();
        if loudness.samples == 0 {
            return None;
        }
        self.last = Some(now);
        let rms_dbfs = power_to_dbfs((loudness.energy / loudness.samples as f64) as f32);
        if self.recent.len() == FLOOR_RECORDS {
            self.recent.pop_front();
        }
        self.recent.push_back(rms_dbfs);
        Some(LevelRecord {
            time: Timestamp::now(),
            source: Arc::clone(source),
            peak_dbfs: power_to_dbfs(loudness.peak * loudness.peak),
            rms_dbfs,
            floor_dbfs: self.floor(),
            clipped_samples: loudness.clipped,
        })
    }

    fn floor(&self) -> f32 {
        let mut sorted: Vec<f32> = self.recent.iter().copied().collect();
        let place = (sorted.len().saturating_sub(1) as f64 * FLOOR_SHARE) as usize;
        *sorted.select_nth_unstable_by(place, f32::total_cmp).1
    }

    /// Forgets all: nobody asks any more.
    pub(in crate::live) fn reset(&mut self, level: &InputLevel) {
        if self.last.take().is_some() {
            self.recent.clear();
            level.end_metering();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::health::InputMeter;

    #[test]
    fn a_record_has_peak_rms_and_the_quiet_tenth_as_its_floor() {
        let level = Arc::new(InputLevel::default());
        let mut input = InputMeter::new(Arc::clone(&level));
        let (mut meter, source, mut now) = (LevelMeter::default(), "mic".into(), Instant::now());
        assert_eq!(meter.poll(&level, &source, now), None);
        let mut last = None;
        for step in 0..40 {
            // a room at -60 dBFS with a tone at -6 dBFS in three of four records
            let amplitude = if step % 4 == 0 { 0.001 } else { 0.5 };
            input.update(&[amplitude, -amplitude]);
            now += INTERVAL;
            last = meter.poll(&level, &source, now).or(last);
        }
        let last = last.unwrap();
        assert!((last.peak_dbfs + 6.02).abs() < 0.01 && (last.rms_dbfs + 6.02).abs() < 0.01);
        assert!((last.floor_dbfs + 60.0).abs() < 0.01, "{last:?}");
    }

    #[test]
    fn no_more_than_twenty_records_come_in_a_second() {
        let level = Arc::new(InputLevel::default());
        let mut input = InputMeter::new(Arc::clone(&level));
        let (mut meter, source, start) = (LevelMeter::default(), "mic".into(), Instant::now());
        meter.poll(&level, &source, start);
        let mut records = 0;
        for millisecond in 1..=1000 {
            input.update(&[0.1; 16]);
            let now = start + Duration::from_millis(millisecond);
            records += usize::from(meter.poll(&level, &source, now).is_some());
        }
        assert!((19..=21).contains(&records), "{records}");
        meter.reset(&level);
        input.update(&[0.1; 16]);
        assert_eq!(level.take_loudness().samples, 0);
    }
}
