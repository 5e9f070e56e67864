//! How fast the front end is: one second of sound in chunks of 10 ms, as a microphone gives it. Criterion's elements a
//! second are log-mel frames a second; real time needs 50. `cargo bench --no-default-features --bench front_end`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use tympan::domain::SampleRate;
use tympan::features::{Arrival, Featuriser, FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};

/// Frames that one second of sound makes, at a hop of 20 ms.
const FRAMES_A_SECOND: u64 = 50;

fn spec() -> FeaturiserSpec {
    let front_end = FrontEndSpec::standard().expect("invariant: 16 kHz is a rate");
    let normaliser = Normaliser {
        mean: vec![-40.0; front_end.mel_bands],
        deviation: vec![15.0; front_end.mel_bands],
    };
    FeaturiserSpec { front_end, normaliser, window: WindowSpec { frames: 100, hop_frames: 4 } }
}

/// A second of sound with something in every band.
fn sound(hz: u32) -> Vec<f32> {
    (0..hz)
        .scan(1u32, |state, _| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((f64::from(*state) / f64::from(u32::MAX) - 0.5) as f32)
        })
        .collect()
}

fn one_second_in_chunks_of_10_ms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("front_end/one_second");
    group.throughput(Throughput::Elements(FRAMES_A_SECOND));
    for (name, hz, gain) in [
        ("48000_hz", 48_000, 1.0),
        ("44100_hz", 44_100, 1.0),
        ("16000_hz", 16_000, 1.0),
        // arithmetic on denormal numbers is many times slower: silence must not cost more than sound
        ("48000_hz_silent", 48_000, 0.0),
        ("48000_hz_denormal", 48_000, 1e-40),
    ] {
        let rate = SampleRate::new(hz).expect("invariant: one of the usual rates");
        let mut featuriser =
            Featuriser::new(&spec(), rate).expect("invariant: the standard front end");
        let mut window = featuriser.empty_window();
        let sound: Vec<f32> = sound(hz).iter().map(|sample| sample * gain).collect();
        let arrival = Arrival::now();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                for chunk in sound.chunks(hz as usize / 100) {
                    featuriser.push(black_box(chunk), arrival, &mut |mut ready| {
                        ready.copy_into(&mut window);
                    });
                }
                black_box(&window);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_second_in_chunks_of_10_ms);
criterion_main!(benches);
