//! The recurrent half of an LSTM, for windows whose gate inputs are known already: libtorch's own LSTM would compute the
//! inputs of every feature again at every hop. Called by [`super::folded_network`] on the classify thread.

use std::array::from_fn;

use pulp::{Arch, Simd, WithSimd};

/// Gates that are computed side by side: a cache line of weights.
const TILE: usize = 16;
/// Tiles at a time: enough sums in flight that none waits for the one before, and no more than there are registers for.
/// (Several windows at a time, each with fewer tiles, took twice as long.)
const TILES: usize = 4;

/// Recurrent weights of an LSTM, laid out for one state after another. Holds no state of any stream.
pub struct Recurrence {
    hidden: usize,
    /// `[tiles][hidden][TILE]`: gates in, forget, cell, out, one after another, then zeros up to a whole number of tiles.
    weights: Vec<f32>,
    arch: Arch,
}

/// What [`Recurrence::states`] works in, kept so that nothing is allocated from window to window.
#[derive(Debug, Default)]
pub struct RecurrenceBuffers {
    /// `[gates]`
    gates: Vec<f32>,
    /// `[hidden]`
    cells: Vec<f32>,
    /// `[hidden]`
    last: Vec<f32>,
    /// `[windows][features][hidden]`: the result.
    states: Vec<f32>,
}

impl RecurrenceBuffers {
    /// What was computed last, `[windows][features][hidden]`.
    pub fn states(&self) -> &[f32] {
        &self.states
    }
}

/// Gate inputs of a stretch of features, and the windows that lie in it.
#[derive(Debug, Clone, Copy)]
pub struct GateInputs<'a> {
    /// `[features][4 × hidden]`: input weights times feature, both biases added.
    pub values: &'a [f32],
    /// The first feature of each window.
    pub starts: &'a [usize],
    /// Features of a window.
    pub features: usize,
}

impl Recurrence {
    /// Lays out recurrent weights of `hidden` units, `[4 × hidden][hidden]`.
    pub fn new(weights: &[f32], hidden: usize) -> Self {
        let whole = TILE * TILES;
        let gates = (4 * hidden).div_ceil(whole) * whole;
        let mut tiled = vec![0.0; gates * hidden];
        for (gate, row) in weights.chunks_exact(hidden).enumerate() {
            for (unit, weight) in row.iter().enumerate() {
                tiled[(gate / TILE * hidden + unit) * TILE + gate % TILE] = *weight;
            }
        }
        Self { hidden, weights: tiled, arch: Arch::new() }
    }

    /// The states after each feature of each window, every window from a zero state.
    pub fn states(&self, inputs: GateInputs<'_>, buffers: &mut RecurrenceBuffers) {
        let gates = self.weights.len() / self.hidden;
        buffers.gates.resize(gates, 0.0);
        buffers.cells.resize(self.hidden, 0.0);
        buffers.last.resize(self.hidden, 0.0);
        buffers.states.resize(inputs.starts.len() * inputs.features * self.hidden, 0.0);
        self.arch.dispatch(Advance { recurrence: self, inputs, buffers });
    }

    /// One window from its first feature to its last.
    #[inline(always)]
    fn advance(&self, inputs: GateInputs<'_>, window: usize, buffers: &mut RecurrenceBuffers) {
        let (hidden, width) = (self.hidden, 4 * self.hidden);
        let RecurrenceBuffers { gates, cells, last, states } = buffers;
        cells.fill(0.0);
        last.fill(0.0);
        for step in 0..inputs.features {
            let feature = inputs.starts[window] + step;
            gates[..width].copy_from_slice(&inputs.values[feature * width..][..width]);
            self.add_recurrent(last, gates);
            move_on(&gates[..width], cells, last);
            states[(window * inputs.features + step) * hidden..][..hidden].copy_from_slice(last);
        }
    }

    /// Adds recurrent weights times last state to the gates.
    #[inline(always)]
    fn add_recurrent(&self, last: &[f32], gates: &mut [f32]) {
        let hidden = self.hidden;
        let groups = self.weights.chunks_exact(hidden * TILE * TILES);
        for (weights, gates) in groups.zip(gates.chunks_exact_mut(TILE * TILES)) {
            let (tiles, _) = weights.as_chunks::<TILE>();
            // slices of one known length: no bound is checked in the innermost loops
            let tiles: [&[[f32; TILE]]; TILES] = from_fn(|tile| &tiles[tile * hidden..][..hidden]);
            let last = &last[..hidden];
            let mut sums = [[0.0f32; TILE]; TILES];
            for unit in 0..hidden {
                let state = last[unit];
                for tile in 0..TILES {
                    let weights = &tiles[tile][unit];
                    for lane in 0..TILE {
                        sums[tile][lane] += weights[lane] * state;
                    }
                }
            }
            for (gate, sum) in gates.iter_mut().zip(sums.as_flattened()) {
                *gate += sum;
            }
        }
    }
}

/// All windows, in the widest instructions that the processor has: what is inlined here is compiled for each kind.
struct Advance<'a> {
    recurrence: &'a Recurrence,
    inputs: GateInputs<'a>,
    buffers: &'a mut RecurrenceBuffers,
}

impl WithSimd for Advance<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { recurrence, inputs, buffers } = self;
        for window in 0..inputs.starts.len() {
            recurrence.advance(inputs, window, buffers);
        }
    }
}

/// Cells and state one feature on.
#[inline(always)]
fn move_on(gates: &[f32], cells: &mut [f32], state: &mut [f32]) {
    let hidden = cells.len();
    let (enter, rest) = gates.split_at(hidden);
    let (forget, rest) = rest.split_at(hidden);
    let (candidate, out) = rest.split_at(hidden);
    for unit in 0..hidden {
        let cell =
            sigmoid(forget[unit]) * cells[unit] + sigmoid(enter[unit]) * tanh(candidate[unit]);
        cells[unit] = cell;
        state[unit] = sigmoid(out[unit]) * tanh(cell);
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
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
        assert!((tanh(-1e9) + 1.0).abs() < 1e-6 && tanh(0.0).abs() < 1e-7);
    }

    /// One state after another, straight from the definition.
    fn by_hand(weights: &[f32], hidden: usize, inputs: &[f32]) -> Vec<f64> {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (mut cells, mut state) = (vec![0.0f64; hidden], vec![0.0f64; hidden]);
        let mut states = Vec::new();
        for input in inputs.chunks_exact(4 * hidden) {
            let gates: Vec<f64> = (0..4 * hidden)
                .map(|gate| {
                    let row = &weights[gate * hidden..][..hidden];
                    let sum: f64 = row.iter().zip(&state).map(|(w, h)| f64::from(*w) * h).sum();
                    f64::from(input[gate]) + sum
                })
                .collect();
            for unit in 0..hidden {
                let candidate = gates[2 * hidden + unit].tanh();
                cells[unit] =
                    sigmoid(gates[hidden + unit]) * cells[unit] + sigmoid(gates[unit]) * candidate;
                state[unit] = sigmoid(gates[3 * hidden + unit]) * cells[unit].tanh();
            }
            states.extend_from_slice(&state);
        }
        states
    }

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let next = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((f64::from(*state) / f64::from(u32::MAX) * 2.0 - 1.0) as f32)
        };
        std::iter::successors(Some(seed), |_| Some(seed))
            .scan(seed, |state, _| next(state))
            .take(count)
            .collect()
    }

    #[test]
    fn states_are_those_of_the_definition_for_any_size_and_number_of_windows() {
        for (hidden, features, windows) in [(1, 3, 1), (5, 4, 6), (16, 2, 4), (70, 5, 9)] {
            let weights = numbers(4 * hidden * hidden, 1);
            let inputs = numbers((features + 2 * windows) * 4 * hidden, 2);
            let starts: Vec<usize> = (0..windows).map(|window| 2 * window).collect();
            let mut buffers = RecurrenceBuffers::default();
            let recurrence = Recurrence::new(&weights, hidden);
            let given = GateInputs { values: &inputs, starts: &starts, features };
            // twice: nothing of the first may be left in the second
            recurrence.states(given, &mut buffers);
            recurrence.states(given, &mut buffers);
            for (window, found) in buffers.states().chunks_exact(features * hidden).enumerate() {
                let stretch = &inputs[starts[window] * 4 * hidden..][..features * 4 * hidden];
                for (found, expected) in found.iter().zip(by_hand(&weights, hidden, stretch)) {
                    assert!((f64::from(*found) - expected).abs() < 2e-6, "{hidden} {window}");
                }
            }
        }
    }
}
