//! libFuzzer's program for a configuration file. Started by scripts/fuzz.sh; feeds `targets::configuration`, on the main thread.
#![no_main]

#[path = "../bounded_memory.rs"]
mod bounded_memory;
#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(init: bounded_memory::start(targets::Target::Configuration), |bytes: &[u8]| {
    targets::configuration(bytes)
});
