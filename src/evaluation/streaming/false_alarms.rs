//! Events that the daemon would report where there is nothing to report, and how many an hour that proves at most. Pure;
//! runs wherever it is called.

use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::SceneDetections;
use crate::domain::LabelSet;

/// What the daemon would detect where there is nothing to detect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FalseAlarmFigures {
    /// Length of the sound that holds no class.
    pub seconds: f64,
    /// Events that began in it.
    pub alarms: usize,
    /// Events an hour; none without any sound.
    pub per_hour: Option<f64>,
    /// The rate that is not exceeded with a confidence of 95 %: see [`upper_rate_per_hour`].
    pub upper_per_hour: Option<f64>,
    /// The labels that were detected, most often first.
    pub by_label: Vec<LabelAlarms>,
}

/// One label's false alarms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelAlarms {
    /// The label.
    pub label: String,
    /// Events that began.
    pub alarms: usize,
    /// Events an hour.
    pub per_hour: Option<f64>,
    /// The rate that is not exceeded with a confidence of 95 %.
    pub upper_per_hour: Option<f64>,
}

impl FalseAlarmFigures {
    /// Counts the events of those scenes in which nothing true is; scenes with true events are left out.
    pub fn new<'a>(
        labels: &LabelSet,
        scenes: impl IntoIterator<Item = &'a SceneDetections>,
    ) -> Self {
        let mut counts = vec![0; labels.len()];
        let mut seconds = 0.0;
        for scene in scenes.into_iter().filter(|scene| scene.truth.is_empty()) {
            seconds += scene.seconds();
            for detected in &scene.detected {
                counts[detected.label] += 1;
            }
        }
        let alarms: usize = counts.iter().sum();
        let alarmed = labels.iter().zip(counts).filter(|(_, alarms)| *alarms > 0);
        let mut by_label: Vec<LabelAlarms> = alarmed
            .map(|(label, alarms)| LabelAlarms {
                label: label.to_string(),
                alarms,
                per_hour: rate_per_hour(alarms, seconds),
                upper_per_hour: upper_rate_per_hour(alarms, seconds),
            })
            .collect();
        by_label.sort_by_key(|label| std::cmp::Reverse(label.alarms));
        Self {
            seconds,
            alarms,
            per_hour: rate_per_hour(alarms, seconds),
            upper_per_hour: upper_rate_per_hour(alarms, seconds),
            by_label,
        }
    }
}

fn rate_per_hour(alarms: usize, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| alarms as f64 * 3600.0 / seconds)
}

/// The highest rate an hour at which so few alarms in so many seconds still come one time in twenty: the exact upper 95 %
/// bound of a Poisson process, one-sided. None without any sound.
///
/// No alarm in T hours shows a rate below 3.0 / T, and no less. The bound counts hours, not rooms: a second hour of the
/// same recording is not independent of the first.
///
/// # Source
/// Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936: χ²₀.₉₅(2k + 2) / 2T.
pub fn upper_rate_per_hour(alarms: usize, seconds: f64) -> Option<f64> {
    if seconds <= 0.0 {
        return None;
    }
    let chi_squared = ChiSquared::new(2.0 * alarms as f64 + 2.0)
        .expect("invariant: degrees of freedom above zero make a distribution");
    Some(chi_squared.inverse_cdf(0.95) / 2.0 * 3600.0 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_bound_is_that_of_the_tables() {
        // scipy 1.17: chi2.ppf(0.95, 2 k + 2) / 2
        let known = [
            (0, 2.995_732_273_553_990_6),
            (1, 4.743_864_518_390_589),
            (5, 10.513_034_908_741_535),
            (274, 302.833_384_915_593),
        ];
        for (alarms, expected) in known {
            let found = upper_rate_per_hour(alarms, 3600.0).unwrap();
            assert!((found - expected).abs() < 1e-8 * expected, "{alarms}: {found}");
        }
        // three clean hours allow one alarm an hour
        assert!((upper_rate_per_hour(0, 3.0 * 3600.0).unwrap() - 0.998_577_4).abs() < 1e-6);
        assert_eq!(upper_rate_per_hour(0, 0.0), None);
    }
}
