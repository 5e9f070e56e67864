//! libFuzzer's program for the manifest of a bundle. Started by scripts/fuzz.sh; feeds `targets::manifest`, on the main thread.
#![no_main]

#[path = "../bounded_memory.rs"]
mod bounded_memory;
#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(init: bounded_memory::start(targets::Target::Manifest), |bytes: &[u8]| {
    targets::manifest(bytes)
});
