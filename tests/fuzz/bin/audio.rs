//! libFuzzer's program for an audio file. Started by scripts/fuzz.sh; feeds `targets::audio`, on the main thread.
#![no_main]

#[path = "../bounded_memory.rs"]
mod bounded_memory;
#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(init: bounded_memory::start(targets::Target::Audio), |bytes: &[u8]| {
    targets::audio(bytes)
});
