//! How long the network takes: one window a hop after the last, convolving new frames only, and the same from scratch; each
//! standard network with random weights, for time does not depend on them; and the most that the core could do.
//! `cargo bench --bench network`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pulp::{Arch, Simd, WithSimd};

use tympan::domain::{MelWindow, Scores};
use tympan::features::WindowSpec;
use tympan::model::{Bundle, Model, NetworkKind, NetworkScorer, NetworkSpec};
use tympan::recognition::Scorer;
use tympan::testing::random_bundle;
#[cfg(feature = "torch")]
use tympan::torch::{ReferenceScorer, configure_runtime};

const MEL_BANDS: usize = 64;
const LABELS: usize = 50;
const HOP_FRAMES: usize = 4;

/// Something in every band, the same at every call.
fn window(start_frame: u64, frames: usize, mel_bands: usize) -> MelWindow {
    let mut window = MelWindow::zeros(frames, mel_bands);
    for (index, value) in window.values.iter_mut().enumerate() {
        let position = start_frame * mel_bands as u64 + index as u64;
        *value = ((position.wrapping_mul(2_654_435_761) >> 7) % 1000) as f32 / 250.0 - 2.0;
    }
    window.start_frame = start_frame;
    window
}

fn mel_bands(kind: NetworkKind) -> usize {
    kind.standard_front_end().expect("invariant: standard front ends are sound").mel_bands
}

fn bundle(spec: &NetworkSpec, frames: usize) -> Bundle {
    let labels: Vec<String> = (0..LABELS).map(|label| format!("label{label}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let window = WindowSpec { frames, ..spec.kind().standard_window() };
    random_bundle(spec.clone(), window, mel_bands(spec.kind()), &labels, 1)
        .expect("invariant: the labels differ")
}

fn incremental(bundle: &Bundle) -> Box<dyn Scorer> {
    Box::new(NetworkScorer::new(&Arc::new(Model::new(bundle))))
}

/// The engines there are, by name.
fn engines(bundle: &Bundle) -> Vec<(&'static str, Box<dyn Scorer>)> {
    #[cfg(feature = "torch")]
    let libtorch = ReferenceScorer::new(bundle).expect("invariant: the standard sizes fit");
    vec![
        ("incremental", incremental(bundle)),
        #[cfg(feature = "torch")]
        ("from_scratch", Box::new(libtorch)),
    ]
}

fn one_hop(criterion: &mut Criterion) {
    #[cfg(feature = "torch")]
    configure_runtime(1);
    let mut group = criterion.benchmark_group("network/hop");
    // seconds of windows: one, two, four
    for (kind, near) in [
        (NetworkKind::Crnn, 94),
        (NetworkKind::Crnn, 188),
        (NetworkKind::Cnn, 94),
        (NetworkKind::Conv1d, 94),
        (NetworkKind::Lstm, 94),
        (NetworkKind::Mobile, 187),
        (NetworkKind::MobileNet, 187),
    ] {
        let hop_frames = kind.standard_window().hop_frames;
        let spec = NetworkSpec::standard(kind);
        let frames = spec.frames_near(near);
        for (name, mut scorer) in engines(&bundle(&spec, frames)) {
            let mut scores = [Scores::zeros(LABELS)];
            let mut windows: Vec<MelWindow> = (0..8)
                .map(|index| window(index * hop_frames as u64, frames, mel_bands(kind)))
                .collect();
            let mut hop = 0;
            group.bench_function(BenchmarkId::new(format!("{kind}/{frames}"), name), |bencher| {
                bencher.iter(|| {
                    let window = &mut windows[hop % 8];
                    window.start_frame = (hop * hop_frames) as u64;
                    hop += 1;
                    scorer
                        .score_into(std::slice::from_ref(window), &mut scores)
                        .expect("invariant: the window has the network's shape");
                    black_box(&scores);
                });
            });
        }
    }
    group.finish();
}

/// Arithmetic on denormal numbers can be many times slower: silence must not cost more than sound.
fn one_hop_of(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("network/input");
    let spec = NetworkSpec::standard(NetworkKind::Crnn);
    for (name, gain) in [("noise", 1.0), ("silence", 0.0), ("denormal", 1e-40)] {
        let mut scorer = incremental(&bundle(&spec, 94));
        let mut scores = [Scores::zeros(LABELS)];
        let mut window = window(0, 94, MEL_BANDS);
        window.values.iter_mut().for_each(|value| *value *= gain);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                window.start_frame += HOP_FRAMES as u64;
                scorer
                    .score_into(std::slice::from_ref(&window), &mut scores)
                    .expect("invariant: the window has the network's shape");
                black_box(&scores);
            });
        });
    }
    group.finish();
}

/// Sums that are in flight in [`Peak`]: more than any processor has multipliers waiting.
const IN_FLIGHT: usize = 12;

/// Multiply-adds that wait for nothing; gives their sum, and how many there were.
struct Peak {
    rounds: usize,
}

impl WithSimd for Peak {
    type Output = (f32, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f32, usize) {
        let factor = simd.splat_f32s(black_box(0.5));
        let mut sums = [simd.splat_f32s(1.0); IN_FLIGHT];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, factor);
            }
        }
        let sum = sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum();
        (sum, self.rounds * IN_FLIGHT * S::F32_LANES)
    }
}

/// The most that one core can do: criterion's elements a second are multiply-adds a second.
fn arithmetic_limit(criterion: &mut Criterion) {
    let (arch, rounds) = (Arch::new(), 10_000);
    let mut group = criterion.benchmark_group("network/limit");
    let (_, multiply_adds) = arch.dispatch(Peak { rounds });
    group.throughput(Throughput::Elements(multiply_adds as u64));
    group.bench_function("multiply_adds", |bencher| {
        bencher.iter(|| black_box(arch.dispatch(Peak { rounds })));
    });
    group.finish();
}

criterion_group!(benches, one_hop, one_hop_of, arithmetic_limit);
criterion_main!(benches);
