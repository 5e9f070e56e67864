//! Level of a signal in decibels of full scale. Used by the front end for every window.

/// The lowest level that is reported: below the noise of any converter, above the logarithm's pole.
pub const FLOOR_DBFS: f32 = -120.0;

/// Mean power (full scale ±1 squared) as decibels of full scale, at least [`FLOOR_DBFS`].
///
/// A full-scale square wave is 0 dBFS, a full-scale sine −3.01 dBFS.
pub fn power_to_dbfs(mean_power: f32) -> f32 {
    if mean_power > 0.0 { (10.0 * mean_power.log10()).max(FLOOR_DBFS) } else { FLOOR_DBFS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_silence_and_rubbish_have_a_level() {
        assert_eq!(power_to_dbfs(1.0), 0.0);
        assert!((power_to_dbfs(0.5) + 3.0103).abs() < 1e-4);
        assert_eq!(power_to_dbfs(0.0), FLOOR_DBFS);
        assert_eq!(power_to_dbfs(f32::NAN), FLOOR_DBFS);
        assert_eq!(power_to_dbfs(1e-40), FLOOR_DBFS);
    }
}
