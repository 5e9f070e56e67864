//! Any way of cutting a stream into chunks gives the same windows.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use tympan::features::Arrival;

use super::{Collector, RATES_HZ, WindowCopy, any_rate, cases, noise, windows_at_once, windows_in};

/// Lengths of the chunks that `samples` are cut into, over and over.
fn windows_in_chunks(source_hz: u32, samples: &[f32], lengths: &[usize]) -> Vec<WindowCopy> {
    let mut collector = Collector::new(source_hz);
    let mut rest = samples;
    for &length in lengths.iter().cycle() {
        let (chunk, later) = rest.split_at(length.min(rest.len()));
        collector.push(chunk);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    collector.flush();
    collector.windows
}

fn any_length() -> impl Strategy<Value = usize> {
    prop_oneof![
        2 => Just(0),
        3 => Just(1),
        2 => proptest::sample::select(vec![2, 3, 7, 97, 255, 256, 257, 1_009]),
        2 => proptest::sample::select(vec![80, 160, 220, 441, 480, 960]),
        2 => 1usize..2_000,
        1 => 2_000usize..40_000,
    ]
}

#[test]
fn one_sample_at_a_time_gives_the_same_windows_at_every_rate() {
    for hz in RATES_HZ {
        let samples = noise(hz as usize / 4 + 13);
        let expected = windows_at_once(hz, &samples);
        assert!(expected.len() >= 8, "{hz} Hz: only {} windows", expected.len());
        let ten_ms = hz as usize / 100;
        for lengths in [&[1][..], &[ten_ms], &[0, 7, 0, 0, 641], &[ten_ms, 1, 2 * ten_ms - 1]] {
            let found = windows_in_chunks(hz, &samples, lengths);
            assert_eq!(found, expected, "{hz} Hz, chunks of {lengths:?}");
        }
    }
}

#[test]
fn a_source_gives_as_many_windows_as_its_length_says() {
    for hz in RATES_HZ {
        let window = super::small().window_samples(super::rate(hz));
        assert_eq!(windows_at_once(hz, &noise(window as usize)).len(), 1, "{hz} Hz, one window");
        for samples in [0, 1, 2, window / 2, window - 10, window + 1, 2 * window, 3 * window + 11] {
            let found = windows_at_once(hz, &noise(samples as usize)).len() as u64;
            assert_eq!(found, windows_in(hz, samples), "{hz} Hz, {samples} samples");
        }
    }
}

#[test]
fn windows_follow_each_other_by_the_hop_and_end_within_the_source() {
    for hz in RATES_HZ {
        let samples = noise(hz as usize / 3);
        let windows = windows_at_once(hz, &samples);
        // a hop is 4 frames of 80 samples at 16 kHz, a window 9 frames: 8 · 80 + 256 samples
        let source = u64::from(hz);
        for (index, window) in (0u64..).zip(&windows) {
            assert_eq!(window.start_frame, 4 * index);
            assert_eq!(window.start_sample, index * 320 * source / 16_000, "{hz} Hz");
            let end = ((index * 320 + 896) * source).div_ceil(16_000);
            assert_eq!(window.end_sample, end.min(samples.len() as u64), "{hz} Hz");
        }
    }
}

#[test]
fn a_window_came_when_the_chunk_with_its_last_sample_came() {
    let begin = Instant::now();
    let at = |second| Arrival { instant: begin + Duration::from_secs(second), ..Arrival::now() };
    for hz in RATES_HZ {
        let mut featuriser = super::featuriser(hz);
        let mut window = featuriser.empty_window();
        let samples = noise(super::small().window_samples(super::rate(hz)) as usize);
        let mut arrivals = Vec::new();
        let mut push = |samples: &[f32], arrival: Arrival| {
            featuriser.push(samples, arrival, &mut |mut ready| {
                ready.copy_into(&mut window);
                arrivals.push(window.arrival);
            });
        };
        push(&samples[..100], at(1));
        push(&samples[100..], at(2));
        // while the resampler waits for more, a poll that finds nothing changes nothing
        (0..1_000).for_each(|_| push(&[], at(3)));
        push(&noise(500), at(4));
        assert_eq!(arrivals[0], at(2).instant, "{hz} Hz");
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_chunking_gives_the_same_windows(
        hz in any_rate(),
        milliseconds in 0usize..400,
        lengths in prop::collection::vec(any_length(), 1..40),
    ) {
        // chunks that are all empty would never get anywhere
        prop_assume!(lengths.iter().any(|&length| length > 0));
        let samples = noise(hz as usize * milliseconds / 1_000);
        let expected = windows_at_once(hz, &samples);
        prop_assert_eq!(expected.len() as u64, windows_in(hz, samples.len() as u64));
        prop_assert_eq!(windows_in_chunks(hz, &samples, &lengths), expected);
    }
}
