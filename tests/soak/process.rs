//! What this process holds of the machine.

use std::fmt;
use std::time::Duration;

/// As the program does when it starts: with an arena for each thread, memory would hold a model of each reload.
pub fn share_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: a number, and no pointer
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 2);
    }
}

/// Memory, threads and descriptors.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    resident_kb: u64,
    threads: u64,
    descriptors: u64,
}

impl Footprint {
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        Self { resident_kb: field("VmRSS:"), threads: field("Threads:"), descriptors }
    }

    /// After clients have been let go of and short threads have ended.
    pub fn settled() -> Self {
        std::thread::sleep(Duration::from_secs(2));
        Self::now()
    }

    /// What an allocator holds back after models have come and gone is some MB; over a day, a leak of 25 bytes a window
    /// would be as much.
    pub fn is_no_more_than(&self, before: &Self) {
        assert!(self.resident_kb <= before.resident_kb + 25_000, "memory grew: {before}, {self}");
        assert!(self.threads <= before.threads, "threads were left behind: {before}, {self}");
        // clients may have been connected when the first one was taken
        assert!(self.descriptors <= before.descriptors, "descriptors leaked: {before}, {self}");
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident_kb, threads, descriptors } = self;
        write!(f, "{resident_kb} KB resident, {threads} threads, {descriptors} descriptors")
    }
}
