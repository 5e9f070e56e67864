//! From features to one vector a window: an LSTM, where the network has one, from a zero state in every window, then pooling
//! over time. Windows overlap, and a feature gives another state in each of them; but all windows that a new feature lies in
//! are taken one step further together, so that the weights are read once. Part of [`super::inference_network`]; runs on
//! the classify thread.

use pulp::{Arch, Simd, WithSimd};

use super::lstm_step::{Recurrence, lstm_step};
use super::packed_matrix::StridedInputs;
use crate::dsp::sum_of_products;

/// How features become vectors. Holds no state of any stream.
pub struct WindowSequence {
    pub recurrence: Option<Recurrence>,
    /// What a state's weight is computed with, `[width]`; none when all weigh the same.
    pub attention: Option<Vec<f32>>,
    /// Values of a state, and of the feature beside it where features are pooled too.
    pub width: usize,
    /// Whether each feature is pooled beside the LSTM's state after it.
    pub features_pooled: bool,
    /// Features of a window.
    pub features: usize,
    /// Features from the first of one window to the first of the next.
    pub hop: usize,
}

/// The windows of a stream that have begun and not ended. Window `w` begins at feature `w · hop`, and has slot `w` modulo
/// their number.
pub struct InFlightWindows {
    arch: Arch,
    /// Features so far.
    seen: usize,
    /// `[slots][width]`, as all below.
    states: Vec<f32>,
    cells: Vec<f32>,
    /// Weighted sums of the states so far.
    sums: Vec<f32>,
    pooling: Vec<Pooling>,
    /// `[windows][gates]`
    gates: Vec<f32>,
    /// `[width]`: of the window that ended last.
    pooled: Vec<f32>,
}

/// A softmax over states that are still coming: all weights are relative to the largest so far.
#[derive(Clone, Copy)]
struct Pooling {
    largest: f32,
    total: f32,
}

impl Pooling {
    const NOTHING: Self = Self { largest: f32::NEG_INFINITY, total: 0.0 };
}

impl WindowSequence {
    /// Room for all windows that can be open at a time.
    pub fn begin(&self) -> InFlightWindows {
        let slots = self.features.div_ceil(self.hop);
        let values = vec![0.0; slots * self.width];
        let gates = self.recurrence.as_ref().map_or(0, |it| slots * it.weights.width());
        InFlightWindows {
            arch: Arch::new(),
            seen: 0,
            states: values.clone(),
            cells: values.clone(),
            sums: values,
            pooling: vec![Pooling::NOTHING; slots],
            gates: Vec::with_capacity(gates),
            pooled: vec![0.0; self.width],
        }
    }

    /// Takes the next feature; gives the number of the window that it completes, if it does, and the window's vector.
    ///
    /// # Shapes
    /// `row`: what the feature contributes to an LSTM's gates, or the feature itself; more values than needed may follow.
    /// `beside`: what is pooled beside the LSTM's state, if anything. The vector is `[width]`.
    ///
    /// # Real time
    /// Does not allocate.
    pub fn push<'a>(
        &self,
        row: &[f32],
        beside: &[f32],
        open: &'a mut InFlightWindows,
    ) -> Option<(usize, &'a [f32])> {
        let feature = open.seen;
        open.seen += 1;
        let slots = open.pooling.len();
        if feature.is_multiple_of(self.hop) {
            open.clear_slot(feature / self.hop % slots, self.width);
        }
        let first = open.seen.saturating_sub(self.features).div_ceil(self.hop);
        let windows = first..feature / self.hop + 1;
        let slot = |window: usize| (first + window) % slots;
        if let Some(Recurrence { weights }) = &self.recurrence {
            open.gates.clear();
            windows.clone().for_each(|_| open.gates.extend_from_slice(row));
            let states = StridedInputs {
                values: &open.states,
                count: windows.len(),
                start: |window| slot(window) * self.width,
                run: self.width - beside.len(),
                stride: self.width,
            };
            weights.add_products(states, &mut open.gates);
        }
        for window in 0..windows.len() {
            let slot = slot(window);
            open.arch.dispatch(Step { sequence: self, row, beside, open, window, slot });
        }
        let passed = open.seen.checked_sub(self.features)?;
        if !passed.is_multiple_of(self.hop) {
            return None;
        }
        let slot = passed / self.hop % slots;
        let total = open.pooling[slot].total;
        let sums = &open.sums[slot * self.width..][..self.width];
        for (pooled, sum) in open.pooled.iter_mut().zip(sums) {
            *pooled = sum / total;
        }
        Some((passed / self.hop, &open.pooled))
    }
}

impl InFlightWindows {
    /// Forgets all features, as if new.
    pub fn reset(&mut self) {
        self.seen = 0;
    }

    fn clear_slot(&mut self, slot: usize, width: usize) {
        for values in [&mut self.states, &mut self.cells, &mut self.sums] {
            values[slot * width..][..width].fill(0.0);
        }
        self.pooling[slot] = Pooling::NOTHING;
    }
}

/// One window one feature on; several values at a time, as what is inlined into `with_simd` is.
struct Step<'a> {
    sequence: &'a WindowSequence,
    row: &'a [f32],
    beside: &'a [f32],
    open: &'a mut InFlightWindows,
    /// Which of the open windows.
    window: usize,
    slot: usize,
}

impl WithSimd for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { sequence, row, beside, open, window, slot } = self;
        let width = sequence.width;
        let state = &mut open.states[slot * width..][..width];
        match &sequence.recurrence {
            Some(Recurrence { weights }) => {
                let (state, feature) = state.split_at_mut(width - beside.len());
                let hidden = state.len();
                let gates = &open.gates[window * weights.width()..][..4 * hidden];
                lstm_step(gates, &mut open.cells[slot * width..][..hidden], state);
                feature.copy_from_slice(beside);
            }
            None => state.copy_from_slice(&row[..width]),
        }
        let energy = match &sequence.attention {
            Some(attention) => sum_of_products(attention, state),
            None => 0.0,
        };
        let Pooling { largest, total } = &mut open.pooling[slot];
        let before = *largest;
        *largest = before.max(energy);
        let (shrunk, weight) = ((before - *largest).exp(), (energy - *largest).exp());
        *total = *total * shrunk + weight;
        for (sum, state) in open.sums[slot * width..][..width].iter_mut().zip(state) {
            *sum = *sum * shrunk + *state * weight;
        }
    }
}
