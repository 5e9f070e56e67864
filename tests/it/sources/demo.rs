//! The demo does what its timetable says, and the same every time. Runs on the test's thread.

use tympan::sources::{Repeat, SampleReader, Soundscape};

fn read(soundscape: &mut Soundscape, count: usize, block_samples: usize) -> Vec<f32> {
    let mut samples = Vec::with_capacity(count);
    let mut block = vec![0.0; block_samples];
    while samples.len() < count {
        let room = block_samples.min(count - samples.len());
        let got = soundscape.read(&mut block[..room]).unwrap();
        assert!(got > 0, "an endless soundscape ended");
        samples.extend_from_slice(&block[..got]);
    }
    samples
}

fn level_dbfs(samples: &[f32]) -> f32 {
    let power = samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32;
    10.0 * power.max(1e-12).log10()
}

#[test]
fn the_demo_is_the_same_for_the_same_seed_in_any_blocks_and_another_for_another() {
    let seconds = 12 * 48_000;
    let one = read(&mut Soundscape::new(1), seconds, 480);
    assert_eq!(one, read(&mut Soundscape::new(1), seconds, 7_001));
    assert_ne!(one, read(&mut Soundscape::new(2), seconds, 480));
}

#[test]
fn the_demo_is_loud_where_its_timetable_says_and_quiet_elsewhere() {
    let mut soundscape = Soundscape::new(7);
    let timetable = soundscape.timetable().to_vec();
    let round = soundscape.round_samples() as usize;
    let samples = read(&mut soundscape, round, 4_800);
    let labels: Vec<&str> = timetable.iter().map(|passage| passage.label).collect();
    assert_eq!(labels, ["siren", "church_bells", "clock_alarm", "clock_tick", "rain"]);
    let mut quiet_from = 0;
    for passage in &timetable {
        let (start, end) = (passage.start.0 as usize, passage.end.0 as usize);
        let quiet = level_dbfs(&samples[quiet_from..start]);
        assert!((-67.0..-63.0).contains(&quiet), "before {}: {quiet} dBFS", passage.label);
        let loud = level_dbfs(&samples[start..end]);
        assert!((-36.0..-19.0).contains(&loud), "{}: {loud} dBFS", passage.label);
        quiet_from = end;
    }
    assert!(level_dbfs(&samples[quiet_from..]) < -63.0);
    let peak = samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    assert!(peak < 0.9, "nothing clips: {peak}");
}

#[test]
fn the_demo_goes_round_or_ends_as_configured() {
    let mut endless = Soundscape::new(3);
    let round = endless.round_samples() as usize;
    assert!((40..=65).contains(&(round / 48_000)), "a round of {} s", round / 48_000);
    let siren = endless.timetable()[0];
    let samples = read(&mut endless, round + siren.end.0 as usize, 48_000);
    assert!(level_dbfs(&samples[round + siren.start.0 as usize..]) > -25.0, "no second siren");

    let mut once = Soundscape::with_repeat(3, Repeat::Once);
    let mut block = vec![0.0; 48_000];
    let mut total = 0;
    loop {
        match once.read(&mut block).unwrap() {
            0 => break,
            count => total += count,
        }
    }
    assert_eq!(total, round);
}
