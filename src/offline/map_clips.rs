//! Work on many clips at once, in order, and the progress that it reports. Called by the extraction of features and by the measuring of clips; runs on
//! threads of its own, which have ended when it returns.

use std::sync::Mutex;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

/// As many workers as the machine runs threads at once.
pub fn worker_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Calls `work` with every item and its index, on one thread for each of `workers`, and gives the answers in the order of
/// the items.
///
/// What a worker keeps from clip to clip, such as a scorer, is handed to `work` by one thread at a time; work that keeps
/// nothing takes `vec![(); worker_count()]`. Which worker takes which item is not the same from run to run. `on_done` is
/// called after every item, from the workers' threads. Without workers, or where the system refuses threads, there is no
/// answer, and one thread does it all, respectively.
///
/// # Panics
/// Where `work` or `on_done` does; `work` must not call rayon itself.
pub fn map_clips<T: Sync, S: Send, R: Send>(
    items: &[T],
    workers: Vec<S>,
    work: impl Fn(&mut S, usize, &T) -> R + Sync,
    on_done: &(dyn Fn() + Sync),
) -> Vec<R> {
    let threads = workers.len();
    let free = Mutex::new(workers);
    let one = |(index, item): (usize, &T)| {
        let taken = free.lock().expect("invariant: nothing panics with the lock").pop();
        let mut worker = taken.expect("invariant: there are as many workers as threads");
        let answer = work(&mut worker, index, item);
        free.lock().expect("invariant: nothing panics with the lock").push(worker);
        on_done();
        answer
    };
    if threads == 0 {
        return Vec::new();
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("tympan-clip-{index}"));
    // scoped: its threads are joined, so that whatever they keep is gone before the program ends
    let answers = pool.build_scoped(
        |thread| thread.run(),
        |pool| pool.install(|| items.par_iter().enumerate().with_max_len(1).map(one).collect()),
    );
    answers.unwrap_or_else(|error| {
        log::warn!("one thread does the work of {threads}: {error}");
        items.iter().enumerate().map(one).collect()
    })
}

/// Receives the progress of one stretch of work after the other.
pub trait Progress: Sync {
    /// `steps` pieces of work begin; `unit` names them: clips, scenes.
    fn begin(&self, steps: usize, unit: &str);

    /// One of them is done.
    fn advance(&self);

    /// The work has ended.
    fn finish(&self);
}

/// Shows nothing.
impl Progress for () {
    fn begin(&self, _: usize, _: &str) {}

    fn advance(&self) {}

    fn finish(&self) {}
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn answers_are_in_order_and_each_worker_is_used_by_one_thread_at_a_time() {
        let items: Vec<usize> = (0..500).collect();
        let done = AtomicUsize::new(0);
        let workers = vec![Vec::new(), Vec::new(), Vec::new()];
        let work = |kept: &mut Vec<usize>, index: usize, item: &usize| {
            kept.push(*item);
            (index, item * 2, kept.len())
        };
        let count = || {
            // Relaxed: only the sum is read, after all threads have ended.
            done.fetch_add(1, Ordering::Relaxed);
        };
        let answers = map_clips(&items, workers, work, &count);
        assert_eq!(done.into_inner(), 500);
        let expected: Vec<(usize, usize)> = items.iter().map(|&item| (item, item * 2)).collect();
        let steps: Vec<(usize, usize)> =
            answers.iter().map(|&(index, twice, _)| (index, twice)).collect();
        assert_eq!(steps, expected);
        // what the workers kept adds up to all items, so none was lost or made anew
        let first = answers.iter().filter(|&&(_, _, kept)| kept == 1).count();
        assert!((1..=3).contains(&first), "{first} workers began");
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        let none: Vec<u8> = map_clips(&[] as &[u8], vec![(); 2], |_, _, &item| item, &|| ());
        assert!(none.is_empty());
    }
}
