//! libFuzzer's program for the weights of a bundle. Started by scripts/fuzz.sh; feeds `targets::weights`, on the main thread.
#![no_main]

#[path = "../bounded_memory.rs"]
mod bounded_memory;
#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(init: bounded_memory::start(targets::Target::Weights), |bytes: &[u8]| {
    targets::weights(bytes)
});
