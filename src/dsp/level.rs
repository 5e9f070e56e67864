//! Power in decibels. Used by the front end: bands of every frame, level of every window.

/// The lowest level that is reported: below the noise of any converter, above the logarithm's pole.
pub const FLOOR_DBFS: f32 = -120.0;

/// Mean power (full scale ±1 squared) as decibels of full scale, at least [`FLOOR_DBFS`].
///
/// A full-scale square wave is 0 dBFS, a full-scale sine −3.01 dBFS.
pub fn power_to_dbfs(mean_power: f32) -> f32 {
    if mean_power > 0.0 { (10.0 * mean_power.log10()).max(FLOOR_DBFS) } else { FLOOR_DBFS }
}

/// Turns powers into decibels, those up to `floor` into exactly the floor's; within 1e-5 dB of the exact logarithm.
///
/// Without branches, calls and tables, so that the compiler takes several at a time where it is inlined: the standard
/// library's logarithm, one band after another, was a fifth of all that a frame cost.
///
/// The usual way: power = 2^e · m with m from √½ to √2, and ln m by the series of artanh((m − 1) / (m + 1)).
///
/// `floor` is a normal number above zero. A power that is not a number counts as the floor.
#[inline(always)]
pub fn powers_to_db(powers: &mut [f32], floor: f32) {
    const SQRT_HALF_BITS: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    const MANTISSA_BITS: u32 = 23;
    const MANTISSA: u32 = (1 << MANTISSA_BITS) - 1;
    const DB_PER_OCTAVE: f32 = 10.0 * std::f32::consts::LOG10_2;
    const DB_PER_NEPER: f32 = 10.0 * std::f32::consts::LOG10_E;
    let floor_db = 10.0 * floor.log10();
    for power in powers {
        let above = *power > floor;
        let from_sqrt_half = power.max(floor).to_bits().wrapping_sub(SQRT_HALF_BITS);
        let octaves = (from_sqrt_half.cast_signed() >> MANTISSA_BITS) as f32;
        let m = f32::from_bits((from_sqrt_half & MANTISSA) + SQRT_HALF_BITS);
        let s = (m - 1.0) / (m + 1.0);
        let square = s * s;
        let series = 2.0 / 9.0;
        let series = series * square + 2.0 / 7.0;
        let series = series * square + 2.0 / 5.0;
        let series = series * square + 2.0 / 3.0;
        let nepers = s * (series * square + 2.0);
        let db = octaves * DB_PER_OCTAVE + nepers * DB_PER_NEPER;
        *power = if above { db.max(floor_db) } else { floor_db };
    }
}

/// Turns powers into `ln(power + offset)`, within 3e-6 of the exact logarithm; `offset` is a normal number above zero. A power
/// that is not a number counts as none.
#[inline(always)]
pub fn powers_to_ln(powers: &mut [f32], offset: f32) {
    const NEPERS_PER_DB: f32 = std::f32::consts::LN_10 / 10.0;
    for power in powers.iter_mut() {
        *power += offset;
    }
    powers_to_db(powers, offset);
    for power in powers {
        *power *= NEPERS_PER_DB;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_those_of_the_exact_logarithm() {
        let powers: Vec<f32> = (0..200_000).map(|step| 1e-12 * 1.0003f32.powi(step)).collect();
        let powers: Vec<f32> = powers.into_iter().filter(|power| power.is_finite()).collect();
        let mut found = powers.clone();
        powers_to_db(&mut found, f32::MIN_POSITIVE);
        for (power, found) in powers.iter().zip(found) {
            let exact = 10.0 * f64::from(*power).log10();
            let off = (f64::from(found) - exact).abs();
            assert!(off < 1e-5f64.max(exact.abs() * 2e-7), "{power}: {found}, not {exact}");
        }
    }

    #[test]
    fn what_is_below_the_floor_has_the_floor_s_decibels() {
        let mut powers = [0.0, 1e-40, 1e-11, -1.0, f32::NAN, 1e-10, 1.0, f32::INFINITY];
        powers_to_db(&mut powers, 1e-10);
        assert_eq!(powers[..6], [-100.0; 6]);
        assert_eq!(powers[6], 0.0);
        assert!(powers[7] > 380.0);
    }

    #[test]
    fn natural_logarithms_have_the_offset_added() {
        let powers = [0.0f32, 1e-7, 1e-5, 0.3, 2e4];
        let mut found = powers;
        powers_to_ln(&mut found, 1e-5);
        for (power, found) in powers.iter().zip(found) {
            assert!((found - (power + 1e-5).ln()).abs() < 1e-5, "{power}: {found}");
        }
    }

    #[test]
    fn full_scale_silence_and_invalid_samples_have_a_level() {
        assert_eq!(power_to_dbfs(1.0), 0.0);
        assert!((power_to_dbfs(0.5) + 3.0103).abs() < 1e-4);
        assert_eq!(power_to_dbfs(0.0), FLOOR_DBFS);
        assert_eq!(power_to_dbfs(f32::NAN), FLOOR_DBFS);
        assert_eq!(power_to_dbfs(1e-40), FLOOR_DBFS);
    }
}
