//! Scores smoothed over audio time. Fed raw scores by the recogniser, feeds the detector; runs on the classify thread.

use std::time::Duration;

use crate::domain::{SampleIndex, SampleRate, Scores};

/// One exponential average per label, with a time constant in audio time.
///
/// After `Δ` samples the old average weighs `exp(−Δ / time constant)`, so neither the hop nor a skipped window changes
/// how fast it moves: two windows 80 ms apart weigh as much as four of 40 ms. The first window after
/// [`reset`](Self::reset) is taken as it is.
#[derive(Debug, Clone)]
pub struct Smoother {
    time_constant_samples: f64,
    averages: Scores,
    last_end: Option<SampleIndex>,
}

impl Smoother {
    /// A smoother for `labels` labels; a `time_constant` of zero passes every score through.
    ///
    /// # Units
    /// `sample_rate` is the rate that the sample indices given to [`push`](Self::push) count at.
    pub fn new(labels: usize, time_constant: Duration, sample_rate: SampleRate) -> Self {
        Self {
            time_constant_samples: time_constant.as_secs_f64() * f64::from(sample_rate.hz()),
            averages: Scores::zeros(labels),
            last_end: None,
        }
    }

    /// Takes in the scores of the window that ends at `end_sample` and gives the averages up to there.
    ///
    /// # Shapes
    /// `scores` and the answer: `[labels]`.
    ///
    /// # Real time
    /// Does not allocate.
    ///
    /// # Panics
    /// When `scores` does not hold one value per label.
    pub fn push(&mut self, end_sample: SampleIndex, scores: &[f32]) -> &[f32] {
        assert_eq!(scores.len(), self.averages.values.len(), "one score per label");
        let kept = match self.last_end {
            Some(last) if self.time_constant_samples > 0.0 => {
                (-(end_sample.since(last) as f64) / self.time_constant_samples).exp()
            }
            _ => 0.0,
        };
        for (average, &score) in self.averages.values.iter_mut().zip(scores) {
            // in f64, so that a constant score stays exactly what it is
            let moved = f64::from(score) + kept * (f64::from(*average) - f64::from(score));
            *average = moved as f32;
        }
        self.last_end = self.last_end.max(Some(end_sample));
        &self.averages.values
    }

    /// The averages up to the window that came last, `[labels]`.
    pub fn averages(&self) -> &[f32] {
        &self.averages.values
    }

    /// Forgets everything: nothing is known across a gap.
    pub fn reset(&mut self) {
        self.last_end = None;
        self.averages.values.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smoother(time_constant_ms: u64) -> Smoother {
        let rate = SampleRate::new(16_000).unwrap();
        Smoother::new(1, Duration::from_millis(time_constant_ms), rate)
    }

    #[test]
    fn the_first_window_counts_in_full_and_so_does_the_first_after_a_reset() {
        let mut smoother = smoother(500);
        assert_eq!(smoother.push(SampleIndex(16_000), &[0.8]), [0.8]);
        assert!(smoother.push(SampleIndex(17_280), &[0.0])[0] > 0.5);
        smoother.reset();
        assert_eq!(smoother.push(SampleIndex(90_000), &[0.1]), [0.1]);
    }

    #[test]
    fn after_one_time_constant_a_step_has_moved_by_the_expected_part() {
        let mut smoother = smoother(100);
        smoother.push(SampleIndex(0), &[0.0]);
        let moved = smoother.push(SampleIndex(1_600), &[1.0])[0];
        assert!((moved - 0.632_120_6).abs() < 1e-6, "{moved}");
    }

    #[test]
    fn the_hop_does_not_change_the_average() {
        let (mut coarse, mut fine) = (smoother(200), smoother(200));
        coarse.push(SampleIndex(0), &[0.0]);
        fine.push(SampleIndex(0), &[0.0]);
        for step in 1..=20_u64 {
            fine.push(SampleIndex(step * 320), &[0.9]);
        }
        let fine = fine.push(SampleIndex(6_720), &[0.9])[0];
        // as if every window between had been skipped
        let coarse = coarse.push(SampleIndex(6_720), &[0.9])[0];
        assert!((fine - coarse).abs() < 1e-6, "{fine} {coarse}");
    }

    #[test]
    fn no_time_constant_means_no_smoothing() {
        let mut smoother = smoother(0);
        smoother.push(SampleIndex(0), &[0.9]);
        assert_eq!(smoother.push(SampleIndex(1), &[0.2]), [0.2]);
    }
}
