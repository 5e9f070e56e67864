//! The recurrent half of an LSTM, for features whose gate inputs are known already. Part of [`super::in_flight_windows`]; runs on
//! the classify thread.

use super::packed_matrix::PackedMatrix;

/// Recurrent weights of an LSTM. Holds no state of any stream.
pub struct Recurrence {
    /// From a state to the gates in, forget, cell, out, one after another.
    pub weights: PackedMatrix,
}

/// Cells and state one feature on. Inlined, so that it is compiled for the caller's instructions.
#[inline(always)]
pub fn lstm_step(gates: &[f32], cells: &mut [f32], state: &mut [f32]) {
    let hidden = cells.len();
    let (enter, rest) = gates.split_at(hidden);
    let (forget, rest) = rest.split_at(hidden);
    let (candidate, out) = rest.split_at(hidden);
    for unit in 0..hidden {
        let kept = sigmoid(forget[unit]) * cells[unit];
        let cell = kept + gated_tanh(enter[unit], candidate[unit]);
        cells[unit] = cell;
        state[unit] = gated_tanh(out[unit], cell);
    }
}

/// 1 / (1 + e^-x); a number that is none stays none.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// sigmoid(gate) · tanh(x), in one division.
#[inline(always)]
fn gated_tanh(gate: f32, x: f32) -> f32 {
    // beyond that the tangent is 1, and the product below would overflow
    let squared = exp((2.0 * x).clamp(-40.0, 40.0));
    (squared - 1.0) / ((1.0 + exp(-gate)) * (squared + 1.0))
}

/// e to the x within 2e-7 of it, for x of at most ±87, to which others are brought. Without a branch or a call, so that the
/// compiler computes several at a time, which it does not with the standard library's.
///
/// The usual way: x = n ln 2 + r with |r| ≤ ln 2 / 2; e^r by its Taylor series, 2^n by the exponent's bits.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// 1.5 × 2^23: added to a small number, it leaves that number rounded in the lowest bits.
    const ROUNDER: f32 = 12_582_912.0;
    /// ln 2 in two parts, of which the first is exact in products with n.
    const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    let x = x.clamp(-87.0, 87.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = rounded - ROUNDER;
    let r = x - n * LN_2.0 - n * LN_2.1;
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let series = series.into_iter().fold(1.0 / 5040.0, |sum, coefficient| sum * r + coefficient);
    let power = f32::from_bits(rounded.to_bits().wrapping_add(127) << 23);
    series * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_the_standard_library_s() {
        for step in -87_000..=87_000 {
            let x = step as f32 / 1000.0;
            let (found, expected) = (exp(x), x.exp());
            assert!((found - expected).abs() <= 2e-7 * expected, "e^{x}: {found}, not {expected}");
        }
        assert_eq!((sigmoid(-1e9), sigmoid(1e9)), (sigmoid(-87.0), 1.0));
    }

    #[test]
    fn a_gated_tangent_is_the_product_of_the_definition_however_large_its_arguments() {
        let arguments = || (-400..=400).map(|step| (step as f32 / 10.0).powi(3) / 8.0);
        for gate in arguments() {
            for x in arguments().step_by(7) {
                let exact = f64::from(x).tanh() / (1.0 + f64::from(-gate).exp());
                let found = f64::from(gated_tanh(gate, x));
                assert!((found - exact).abs() < 3e-7, "{gate}, {x}: {found}, not {exact}");
            }
        }
        assert!(gated_tanh(f32::NAN, 1.0).is_nan() && gated_tanh(1.0, f32::NAN).is_nan());
    }

    /// One state after another, straight from the definition.
    #[test]
    fn states_are_those_of_the_definition() {
        let (hidden, number) = (5, |index: usize| (index * 7919 % 1009) as f32 / 252.0 - 2.0);
        let gates: Vec<f32> = (0..4 * hidden).map(number).collect();
        let (mut cells, mut state): (Vec<f32>, _) = ((0..hidden).map(number).collect(), [0.0; 5]);
        let before: Vec<f64> = cells.iter().map(|cell| f64::from(*cell)).collect();
        lstm_step(&gates, &mut cells, &mut state);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        for unit in 0..hidden {
            let gate = |which: usize| f64::from(gates[which * hidden + unit]);
            let cell = sigmoid(gate(1)) * before[unit] + sigmoid(gate(0)) * gate(2).tanh();
            assert!((f64::from(cells[unit]) - cell).abs() < 1e-6, "{unit}");
            assert!((f64::from(state[unit]) - sigmoid(gate(3)) * cell.tanh()).abs() < 1e-6);
        }
    }
}
