//! Dot product of two slices. Used by the STFT, the mel filter bank, and the networks' pooling over time.

/// Sums kept side by side: one alone would have every addition wait for the one before.
const SUMS: usize = 8;

/// Sum of the products of `a` and `b`, which are equally long. Inlined, so that it is compiled for the caller's instructions.
#[inline(always)]
pub fn sum_of_products(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    let (a_eights, a_rest) = a.as_chunks::<SUMS>();
    let (b_eights, b_rest) = b.as_chunks::<SUMS>();
    let mut sums = [0.0f32; SUMS];
    for (a, b) in a_eights.iter().zip(b_eights) {
        for lane in 0..SUMS {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
