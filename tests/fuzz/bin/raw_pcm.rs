//! libFuzzer's program for raw PCM, its specification included. Started by scripts/fuzz.sh; feeds `targets::raw_pcm`, on the main thread.
#![no_main]

#[path = "../bounded_memory.rs"]
mod bounded_memory;
#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(init: bounded_memory::start(targets::Target::RawPcm), |bytes: &[u8]| {
    targets::raw_pcm(bytes)
});
