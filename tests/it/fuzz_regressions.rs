//! The fuzz targets without a fuzzer: every input that ever broke something or lies at an edge, and some thousands that are made from good
//! ones, the same in every run. `make fuzz` looks for more, guided by what code they reach.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

#[path = "../fuzz/targets.rs"]
mod targets;

use targets::Target;

/// The longest input that is made, and kept.
const MAX_CASE_BYTES: usize = 4_096;

/// Numbers at which sizes and lengths go wrong.
const EDGES: [u64; 10] = [
    0,
    1,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFF_FFFF,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    0xFFFF_FFFF_FFFF_FFFF,
];

/// What texts are made of, and what opens the parts of files.
const WORDS: [&str; 16] = [
    "\n", "=", "[", "]", "\"", "nan", "inf", "-1", "1e999", "0x", "true", "{}", "fmt ", "data",
    "COMM", "OggS",
];

fn folder(target: Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/regressions").join(target.name())
}

/// Runs a target; on a failure, keeps the input and says where, and how it becomes a regression test.
fn run(target: Target, what: &str, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target.run(bytes))).is_err() {
        let kept = std::env::temp_dir().join(format!("tympan-{}-input", target.name()));
        fs::write(&kept, bytes).unwrap();
        panic!(
            "{}: {what} breaks it; it is kept as {}. Mend the fault, and copy it to {} under a name that says so.",
            target.name(),
            kept.display(),
            folder(target).display()
        );
    }
}

/// One to eight changes to an input.
fn changed(bytes: &[u8], others: &[Vec<u8>], random: &mut ChaCha12Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=8) {
        let at = random.random_range(0..=bytes.len());
        let end = (at + random.random_range(1..=16)).min(bytes.len());
        match random.random_range(0..7) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes[at..end].iter_mut().for_each(|byte| *byte = random.random()),
            2 if at < end => bytes[at] ^= 1 << random.random_range(0..8),
            3 => {
                let word = WORDS.choose(random).unwrap();
                bytes.splice(at..at, word.bytes());
            }
            4 => {
                let edge = EDGES.choose(random).unwrap();
                let count = (1 << random.random_range(0..4)).min(bytes.len() - at);
                let (little, big) = (edge.to_le_bytes(), edge.to_be_bytes());
                let edge = if random.random() { &little[..count] } else { &big[8 - count..] };
                bytes[at..at + count].copy_from_slice(edge);
            }
            5 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let other = others.choose(random).unwrap();
                let from = random.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes.truncate(MAX_CASE_BYTES);
    bytes
}

/// How many inputs are made for a target in a few seconds of a debug build.
fn inputs(target: Target) -> usize {
    match target {
        Target::Configuration => 1_500,
        Target::Audio | Target::RawPcm => 3_000,
        Target::Client => 1_000,
        Target::Manifest => 1_000,
        Target::Weights => 2_000,
    }
}

#[test]
fn inputs_that_once_broke_something_break_nothing() {
    for &target in Target::ALL {
        let entries = fs::read_dir(folder(target)).unwrap_or_else(|error| {
            panic!("{}: {error}: every target has its folder", folder(target).display())
        });
        for path in entries.map(|entry| entry.unwrap().path()) {
            let bytes = fs::read(&path).unwrap();
            assert!(
                bytes.len() <= MAX_CASE_BYTES,
                "{}: {} bytes; make it shorter",
                path.display(),
                bytes.len()
            );
            run(target, &path.display().to_string(), &bytes);
        }
    }
}

#[test]
fn good_inputs_pass_and_changed_ones_break_nothing() {
    for (seed, &target) in Target::ALL.iter().enumerate() {
        let seeds = target.seeds();
        for (index, bytes) in seeds.iter().enumerate() {
            run(target, &format!("its seed {index}"), bytes);
        }
        let mut random = ChaCha12Rng::seed_from_u64(seed as u64);
        for round in 0..inputs(target) {
            let bytes = changed(seeds.choose(&mut random).unwrap(), &seeds, &mut random);
            run(target, &format!("its changed input {round}"), &bytes);
        }
    }
}

#[test]
fn good_audio_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (index, bytes) in Target::Audio.seeds().iter().enumerate() {
        let path = folder.path().join(index.to_string());
        fs::write(&path, bytes).unwrap();
        let clip = tympan::sources::load_clip(&path)
            .unwrap_or_else(|error| panic!("seed {index} is not what it is meant to be: {error}"));
        assert_eq!(clip.sample_rate.hz(), 16_000, "seed {index}");
    }
}

#[test]
fn the_bundle_that_others_are_made_from_is_a_good_one() {
    let bundle = targets::small_bundle().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(bundle.labels.len(), 3);
}
