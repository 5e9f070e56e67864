//! What libtorch has one of for the whole process: settings, set once by `cli` before the first tensor, and the generator
//! of random numbers.

use std::sync::{Mutex, Once, PoisonError};

/// Sets the number of threads one operation may use. The first call counts; later ones change nothing.
///
/// One is fastest for windows as small as these, and leaves the other cores to the rest of the machine; training takes
/// all of them. libtorch aborts when the number of inter-operation threads is set twice, hence the guard.
pub fn configure_runtime(threads: usize) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let threads = i32::try_from(threads.max(1)).unwrap_or(1);
        tch::set_num_interop_threads(1);
        tch::set_num_threads(threads);
    });
}

/// Calls `draw`, which makes random weights or drops values at random, with libtorch's generator seeded, and to itself:
/// whoever draws through here at the same time waits, so that two that train in one process take none of each other's
/// numbers.
pub fn with_random_seed<T>(seed: u64, draw: impl FnOnce() -> T) -> T {
    static GENERATOR: Mutex<()> = Mutex::new(());
    // it holds nothing that a panic could leave half done
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(i64::from_ne_bytes(seed.to_ne_bytes()));
    draw()
}
