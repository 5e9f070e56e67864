//! libFuzzer's program for what clients of the socket send. Started by scripts/fuzz.sh; feeds `targets::client`, on the main thread.
#![no_main]

#[path = "../bounded_memory.rs"]
mod bounded_memory;
#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(init: bounded_memory::start(targets::Target::Client), |bytes: &[u8]| {
    targets::client(bytes)
});
