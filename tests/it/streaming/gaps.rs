//! After a gap the front end begins anew, at the right sample; and no window knows of sound outside itself.

use proptest::prelude::*;

use super::{
    Collector, RATES_HZ, WindowCopy, any_rate, cases, filter_reach, noise, rate, small,
    windows_at_once,
};

/// What a fresh featuriser makes of `samples`, as the second segment and `offset` samples later.
fn windows_afresh(hz: u32, samples: &[f32], offset: u64) -> Vec<WindowCopy> {
    windows_at_once(hz, samples).into_iter().map(|windows| windows.moved(offset, 1)).collect()
}

#[test]
fn the_first_window_after_a_gap_starts_at_the_first_sample_after_it() {
    for hz in RATES_HZ {
        let window = small().window_samples(rate(hz));
        for (before, lost) in [(0, 1), (1, 0), (1_234, 567), (window, 48_000), (2 * window + 1, 3)]
        {
            let mut collector = Collector::new(hz);
            collector.push(&noise(before as usize));
            collector.featuriser.skip(lost);
            collector.windows.clear();
            collector.push(&noise(window as usize + 2_000));
            let first = &collector.windows[0];
            assert_eq!(first.start_sample, before + lost, "{hz} Hz");
            assert_eq!(first.end_sample, before + lost + window, "{hz} Hz");
            assert_eq!((first.segment, first.start_frame), (1, 0), "{hz} Hz");
        }
    }
}

#[test]
fn what_follows_a_flush_gives_the_windows_of_a_fresh_featuriser() {
    for hz in RATES_HZ {
        let samples = noise(hz as usize / 5);
        let mut collector = Collector::new(hz);
        collector.push(&samples[100..]);
        collector.flush();
        collector.windows.clear();
        collector.push(&samples);
        collector.flush();
        assert_eq!(
            collector.windows,
            windows_afresh(hz, &samples, samples.len() as u64 - 100),
            "{hz} Hz"
        );
    }
}

#[test]
fn sample_indices_hold_beyond_32_bits() {
    for hz in RATES_HZ {
        for lost in [u64::from(u32::MAX) - 100, (1 << 40) + 12_345, 1 << 62] {
            let mut collector = Collector::new(hz);
            collector.featuriser.skip(lost);
            let samples = noise(hz as usize / 5);
            collector.push(&samples);
            assert_eq!(collector.featuriser.end().0, lost + samples.len() as u64);
            collector.flush();
            assert_eq!(
                collector.windows,
                windows_afresh(hz, &samples, lost),
                "{hz} Hz after {lost}"
            );
        }
    }
}

#[test]
fn a_window_is_changed_by_its_own_samples() {
    for hz in RATES_HZ {
        let mut samples = noise(hz as usize / 5);
        let before = windows_at_once(hz, &samples);
        let middle = (before[1].start_sample + before[1].end_sample) / 2;
        samples[middle as usize] += 0.5;
        let after = windows_at_once(hz, &samples);
        assert_ne!(before[1].values, after[1].values, "{hz} Hz");
        assert_ne!(before[1].level, after[1].level, "{hz} Hz");
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn after_any_gap_windows_are_those_of_a_fresh_featuriser(
        hz in any_rate(),
        before in 0usize..9_000,
        lost in 0u64..1_000_000,
        milliseconds in 0usize..300,
    ) {
        let mut collector = Collector::new(hz);
        collector.push(&noise(before + 500)[500..]);
        collector.featuriser.skip(lost);
        collector.windows.clear();
        let samples = noise(hz as usize * milliseconds / 1_000);
        collector.push(&samples);
        collector.flush();
        prop_assert_eq!(collector.windows, windows_afresh(hz, &samples, before as u64 + lost));
    }

    /// The reach of the resampler's filter aside: see `filter_reach`.
    #[test]
    fn a_window_depends_on_nothing_outside_itself(
        hz in any_rate(),
        from in 0.0f64..0.5,
        to in 0.5f64..1.0,
    ) {
        let samples = noise(hz as usize / 3);
        let (from, to) =
            ((samples.len() as f64 * from) as usize, (samples.len() as f64 * to) as usize);
        let mut changed = samples.clone();
        changed[..from].fill(0.9);
        changed[to..].iter_mut().for_each(|sample| *sample = -*sample);
        let reach = filter_reach(hz);
        let (before, after) = (windows_at_once(hz, &samples), windows_at_once(hz, &changed));
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            let inside = (from == 0 || before.start_sample >= from as u64 + reach)
                && before.end_sample + reach <= to as u64;
            if inside {
                prop_assert_eq!(before, after);
            }
        }
    }

    /// As a live listener gets them: no window waits for more than the filter's reach and one block of the resampler.
    #[test]
    fn a_window_comes_out_as_soon_as_its_samples_are_there(hz in any_rate()) {
        let samples = noise(hz as usize / 4);
        let block = u64::from(hz / 1_000).max(8);
        let mut collector = Collector::new(hz);
        for (pushed, sample) in (1u64..).zip(&samples) {
            let windows = collector.windows.len();
            collector.push(&[*sample]);
            for window in &collector.windows[windows..] {
                prop_assert!(window.end_sample <= pushed);
                let late = pushed - window.end_sample;
                let allowed = if hz == 16_000 { 0 } else { filter_reach(hz) + block };
                prop_assert!(late <= allowed, "{} Hz: {} samples late", hz, late);
            }
        }
    }
}
