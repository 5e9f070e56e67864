//! How long the network takes: one window a hop after the last, convolving new frames only, and the same from scratch; each
//! standard network with random weights, for time does not depend on them. `cargo bench --bench network`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tch::Device;
use tch::nn::VarStore;

use tympan::domain::{LabelSet, MelWindow, Scores};
use tympan::features::WindowSpec;
use tympan::model::{
    Network, NetworkKind, NetworkScorer, NetworkSpec, Schedule, configure_runtime, with_random_seed,
};
use tympan::recognition::Scorer;

const MEL_BANDS: usize = 64;
const LABELS: usize = 50;
const HOP_FRAMES: usize = 4;

/// Something in every band, the same at every call.
fn window(start_frame: u64, frames: usize) -> MelWindow {
    let mut window = MelWindow::zeros(frames, MEL_BANDS);
    for (index, value) in window.values.iter_mut().enumerate() {
        let position = start_frame * MEL_BANDS as u64 + index as u64;
        *value = ((position.wrapping_mul(2_654_435_761) >> 7) % 1000) as f32 / 250.0 - 2.0;
    }
    window.start_frame = start_frame;
    window
}

fn scorer(spec: &NetworkSpec, frames: usize, schedule: Schedule) -> NetworkScorer {
    let labels: Vec<String> = (0..LABELS).map(|label| format!("label{label}")).collect();
    let labels = LabelSet::new(&labels).expect("invariant: the labels differ");
    let store = VarStore::new(Device::Cpu);
    let network = with_random_seed(1, || {
        Network::new(&store.root(), spec, MEL_BANDS as i64, LABELS as i64, 0.0)
    });
    let window = WindowSpec { frames, hop_frames: HOP_FRAMES };
    NetworkScorer::new(labels, (window, MEL_BANDS), &network, schedule)
        .expect("invariant: the standard sizes fit")
}

fn one_hop(criterion: &mut Criterion) {
    configure_runtime(1);
    let mut group = criterion.benchmark_group("network/hop");
    // seconds of windows: one, two, four
    for (kind, near) in [
        (NetworkKind::Crnn, 94),
        (NetworkKind::Crnn, 188),
        (NetworkKind::Cnn, 94),
        (NetworkKind::Conv1d, 94),
        (NetworkKind::Lstm, 94),
    ] {
        let spec = NetworkSpec::standard(kind);
        let frames = spec.frames_near(near);
        for (name, schedule) in
            [("incremental", Schedule::Incremental), ("from_scratch", Schedule::FromScratch)]
        {
            let mut scorer = scorer(&spec, frames, schedule);
            let mut scores = [Scores::zeros(LABELS)];
            let mut windows: Vec<MelWindow> =
                (0..8).map(|index| window(index * HOP_FRAMES as u64, frames)).collect();
            let mut hop = 0;
            group.bench_function(BenchmarkId::new(format!("{kind}/{frames}"), name), |bencher| {
                bencher.iter(|| {
                    let window = &mut windows[hop % 8];
                    window.start_frame = (hop * HOP_FRAMES) as u64;
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

criterion_group!(benches, one_hop);
criterion_main!(benches);
