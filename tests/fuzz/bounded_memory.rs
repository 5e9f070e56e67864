//! What every fuzz program begins with: an allocator that ends the program when an input makes it take far more memory
//! than inputs of a few KiB can be worth, and the target's seeds on disk. Called by libFuzzer, on the main thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::targets::Target;

/// The most that one allocation may take.
const MAX_ALLOCATION: usize = 64 << 20;

/// The most that all together may take. libtorch's own do not pass through here: `-rss_limit_mb` bounds those.
const MAX_HELD: usize = 512 << 20;

static HELD: AtomicUsize = AtomicUsize::new(0);

/// Whether a refused allocation is being reported, which takes memory itself.
static ENDING: AtomicBool = AtomicBool::new(false);

struct Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

impl Bounded {
    fn take(&self, bytes: usize) {
        // Relaxed: a count that orders nothing else.
        let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
        // Relaxed: as above.
        if (bytes > MAX_ALLOCATION || held > MAX_HELD) && !ENDING.swap(true, Ordering::Relaxed) {
            let who = Backtrace::force_capture();
            eprintln!("{bytes} bytes were asked for, with {held} held:\n{who}");
            std::process::abort();
        }
    }
}

// SAFETY: every call goes to the system's allocator as it came; only a count is kept beside it.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.take(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.take(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Relaxed: a count that orders nothing else.
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Writes the target's seeds to the folder that scripts/fuzz.sh names, and lets panics unwind again: those that tympan
/// catches are no fault, and libFuzzer's binding ends the program at all others.
pub fn start(target: Target) {
    drop(std::panic::take_hook());
    let Some(folder) = std::env::var_os("TYMPAN_FUZZ_SEEDS").map(PathBuf::from) else { return };
    for (index, seed) in target.seeds().iter().enumerate() {
        let path = folder.join(format!("seed-{index}"));
        std::fs::write(&path, seed).expect("the folder of seeds can be written");
    }
}
