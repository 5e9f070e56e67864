//! The ballistics of the level meter: instant rise, a fall that the eye can follow, a held peak, a mark of clipping that stays.
//! Fed with level records, drawn by the meter panel.

use std::time::Duration;

use crate::domain::LevelRecord;

/// How fast the bar falls.
///
/// # Source
/// IEC 60268-18: a peak meter's return takes 1.7 s for 20 dB.
const FALL_DB_PER_S: f32 = 20.0 / 1.7;

/// How long the highest peak stays: long enough to be read.
const HOLD: Duration = Duration::from_millis(1_500);

/// A meter without a level for so long shows none: twenty records are missing then.
const STALE: Duration = Duration::from_secs(1);

/// What the meter shows, in dB of full scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Levels {
    pub(super) rms_dbfs: f32,
    pub(super) peak_dbfs: f32,
    pub(super) held_dbfs: f32,
    pub(super) floor_dbfs: f32,
}

/// A meter.
#[derive(Debug, Clone, Default)]
pub(super) struct LevelMeter {
    levels: Option<Levels>,
    measured: Duration,
    held_since: Duration,
    clipped_samples: u64,
}

impl LevelMeter {
    /// Takes a measurement that arrived at `now`.
    pub(super) fn on(&mut self, record: &LevelRecord, now: Duration) {
        self.clipped_samples = self.clipped_samples.saturating_add(record.clipped_samples);
        let fallen = FALL_DB_PER_S * now.saturating_sub(self.measured).as_secs_f32();
        let Some(before) = self.levels else {
            self.levels = Some(Levels {
                rms_dbfs: record.rms_dbfs,
                peak_dbfs: record.peak_dbfs,
                held_dbfs: record.peak_dbfs,
                floor_dbfs: record.floor_dbfs,
            });
            (self.measured, self.held_since) = (now, now);
            return;
        };
        let peak_dbfs = record.peak_dbfs.max(before.peak_dbfs - fallen);
        let is_over = now.saturating_sub(self.held_since) > HOLD;
        let held_dbfs = if peak_dbfs >= before.held_dbfs || is_over {
            self.held_since = now;
            peak_dbfs
        } else {
            before.held_dbfs
        };
        self.levels = Some(Levels {
            rms_dbfs: record.rms_dbfs.max(before.rms_dbfs - fallen),
            peak_dbfs,
            held_dbfs,
            floor_dbfs: record.floor_dbfs,
        });
        self.measured = now;
    }

    /// Forgets a level that is too old to be shown as the present one.
    pub(super) fn tick(&mut self, now: Duration) {
        if now.saturating_sub(self.measured) > STALE {
            self.levels = None;
        }
    }

    pub(super) fn levels(&self) -> Option<Levels> {
        self.levels
    }

    /// Samples at full scale since the mark was cleared.
    pub(super) fn clipped_samples(&self) -> u64 {
        self.clipped_samples
    }

    pub(super) fn clear_clip(&mut self) {
        self.clipped_samples = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(peak_dbfs: f32) -> LevelRecord {
        LevelRecord {
            time: jiff::Timestamp::UNIX_EPOCH,
            source: "mic".into(),
            peak_dbfs,
            rms_dbfs: peak_dbfs - 10.0,
            floor_dbfs: -60.0,
            clipped_samples: u64::from(peak_dbfs >= 0.0),
        }
    }

    fn at(meter: &mut LevelMeter, ms: u64, peak_dbfs: f32) -> Levels {
        meter.on(&level(peak_dbfs), Duration::from_millis(ms));
        meter.levels().unwrap()
    }

    #[test]
    fn the_bar_rises_at_once_and_falls_twenty_decibels_in_1700_milliseconds() {
        let mut meter = LevelMeter::default();
        assert_eq!(at(&mut meter, 0, -50.0).peak_dbfs, -50.0);
        assert_eq!(at(&mut meter, 50, -6.0).peak_dbfs, -6.0);
        assert!((at(&mut meter, 900, -50.0).peak_dbfs - -16.0).abs() < 1e-3);
        let fallen = at(&mut meter, 1_750, -50.0);
        assert!((fallen.peak_dbfs - -26.0).abs() < 1e-3 && (fallen.rms_dbfs - -36.0).abs() < 1e-3);
    }

    #[test]
    fn a_peak_is_held_for_a_second_and_a_half() {
        let mut meter = LevelMeter::default();
        at(&mut meter, 0, -6.0);
        assert_eq!(at(&mut meter, 1_500, -50.0).held_dbfs, -6.0);
        let later = at(&mut meter, 1_550, -50.0);
        assert!(later.held_dbfs == later.peak_dbfs && later.peak_dbfs < -24.0, "{later:?}");
    }

    #[test]
    fn clipping_stays_until_it_is_cleared_and_a_level_does_not_outlive_its_second() {
        let mut meter = LevelMeter::default();
        at(&mut meter, 0, 0.0);
        at(&mut meter, 50, -50.0);
        assert_eq!(meter.clipped_samples(), 1);
        meter.clear_clip();
        assert_eq!(meter.clipped_samples(), 0);
        meter.tick(Duration::from_millis(1_050));
        assert!(meter.levels().is_some());
        meter.tick(Duration::from_millis(1_100));
        assert!(meter.levels().is_none());
    }
}
