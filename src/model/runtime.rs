//! Settings of libtorch that hold for the whole process. Called once by `cli`, before the first tensor.

use std::sync::Once;

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
