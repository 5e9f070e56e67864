//! The last minutes of a source's spectrogram, by time. Fed with mel records, read by the spectrogram panel.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::{MelRecord, SampleRate};
use crate::dsp::MelScale;

/// Ten minutes at the shipped model's 12.5 columns a second: half a megabyte.
const MAX_COLUMNS: usize = 7_500;

/// More bands than any front end has.
const MAX_BANDS: usize = 1_024;

/// One column: from when to when in seconds since the start of the source, and a value a band, the lowest first.
#[derive(Debug, Clone)]
struct Column {
    start_s: f64,
    end_s: f64,
    values: Box<[u8]>,
}

/// The frequencies of the bands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FrequencyAxis {
    low_hz: f64,
    high_hz: f64,
    scale: Arc<str>,
}

impl FrequencyAxis {
    /// Where `hz` stands from 0, the lower edge, to 1, the upper.
    pub(super) fn place(&self, hz: f64) -> f64 {
        let scale = if &*self.scale == "htk" { MelScale::Htk } else { MelScale::Slaney };
        let (low, high) = (scale.to_mel(self.low_hz), scale.to_mel(self.high_hz));
        (scale.to_mel(hz) - low) / (high - low)
    }
}

/// Columns in the order of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Spectrogram {
    columns: VecDeque<Column>,
    axis: Option<FrequencyAxis>,
}

impl Spectrogram {
    /// Takes a column. One from before the last, of a source that began anew, and one of another model drop what was there.
    pub(super) fn push(&mut self, record: &MelRecord, rate: SampleRate) {
        let (low_hz, high_hz) = (f64::from(record.low_hz), f64::from(record.high_hz));
        let (start_s, end_s) =
            (rate.seconds_at(record.start_sample), rate.seconds_at(record.end_sample));
        let bands = record.column.len();
        let is_usable = (0.0..high_hz).contains(&low_hz)
            && high_hz.is_finite()
            && start_s < end_s
            && (1..=MAX_BANDS).contains(&bands);
        if !is_usable {
            return;
        }
        let axis = FrequencyAxis { low_hz, high_hz, scale: Arc::clone(&record.scale) };
        let follows = self.columns.back().is_none_or(|last| {
            last.values.len() == bands && end_s > last.end_s && self.axis.as_ref() == Some(&axis)
        });
        if !follows {
            self.columns.clear();
        }
        self.axis = Some(axis);
        if self.columns.len() == MAX_COLUMNS {
            self.columns.pop_front();
        }
        self.columns.push_back(Column { start_s, end_s, values: record.column.as_slice().into() });
    }

    pub(super) fn axis(&self) -> Option<&FrequencyAxis> {
        self.axis.as_ref()
    }

    /// From when to when there are columns; none without any.
    pub(super) fn span_s(&self) -> Option<(f64, f64)> {
        Some((self.columns.front()?.start_s, self.columns.back()?.end_s))
    }

    /// The highest value of each band between two times; false where no column lies there, as in a gap.
    pub(super) fn peaks_between(&self, from_s: f64, to_s: f64, peaks: &mut Vec<u8>) -> bool {
        peaks.clear();
        let first = self.columns.partition_point(|column| column.end_s <= from_s);
        for column in self.columns.range(first..).take_while(|column| column.start_s < to_s) {
            peaks.resize(column.values.len(), 0);
            for (peak, value) in peaks.iter_mut().zip(&column.values) {
                *peak = (*peak).max(*value);
            }
        }
        !peaks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SampleIndex;

    fn mel(start: u64, end: u64, value: u8) -> MelRecord {
        MelRecord {
            time: jiff::Timestamp::UNIX_EPOCH,
            source: "mic".into(),
            start_sample: SampleIndex(start),
            end_sample: SampleIndex(end),
            low_hz: 50.0,
            high_hz: 7_500.0,
            scale: "slaney".into(),
            low_db: -100.0,
            high_db: 20.0,
            column: vec![value; 4],
        }
    }

    fn rate() -> SampleRate {
        SampleRate::new(8_000).unwrap()
    }

    fn peak(spectrogram: &Spectrogram, from_s: f64, to_s: f64) -> Option<u8> {
        let mut peaks = Vec::new();
        spectrogram.peaks_between(from_s, to_s, &mut peaks).then(|| peaks[0])
    }

    #[test]
    fn a_time_shows_the_loudest_of_its_columns_and_nothing_in_a_gap() {
        let mut spectrogram = Spectrogram::default();
        spectrogram.push(&mel(0, 800, 10), rate());
        spectrogram.push(&mel(800, 1_600, 30), rate());
        spectrogram.push(&mel(4_000, 4_800, 20), rate());
        assert_eq!(peak(&spectrogram, 0.0, 0.1), Some(10));
        assert_eq!(peak(&spectrogram, 0.0, 0.2), Some(30));
        assert_eq!(peak(&spectrogram, 0.2, 0.5), None);
        assert_eq!(peak(&spectrogram, 0.5, 9.0), Some(20));
        assert_eq!(spectrogram.span_s(), Some((0.0, 0.6)));
    }

    #[test]
    fn a_source_that_begins_anew_and_another_model_begin_a_new_spectrogram() {
        let mut spectrogram = Spectrogram::default();
        spectrogram.push(&mel(80_000, 80_800, 10), rate());
        spectrogram.push(&mel(0, 800, 20), rate());
        assert_eq!(spectrogram.span_s(), Some((0.0, 0.1)));
        let other = MelRecord { column: vec![1; 8], ..mel(800, 1_600, 0) };
        spectrogram.push(&other, rate());
        assert_eq!(spectrogram.span_s(), Some((0.1, 0.2)));
    }

    #[test]
    fn a_column_without_sense_is_passed_over() {
        let mut spectrogram = Spectrogram::default();
        for record in [
            MelRecord { low_hz: f32::NAN, ..mel(0, 800, 1) },
            MelRecord { high_hz: f32::INFINITY, ..mel(0, 800, 1) },
            MelRecord { column: Vec::new(), ..mel(0, 800, 1) },
            MelRecord { column: vec![0; 5_000], ..mel(0, 800, 1) },
            mel(800, 0, 1),
        ] {
            spectrogram.push(&record, rate());
        }
        assert_eq!(spectrogram.span_s(), None);
    }
}
