//! What this process holds, as other Prometheus clients report it. Read from `/proc` at a scrape.

use std::fs;

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};

/// Sizes in bytes, and counts; those that the system does not tell are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProcessFacts {
    pub(super) resident_bytes: Option<u64>,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) open_files: Option<u64>,
    pub(super) max_files: Option<u64>,
    pub(super) threads: Option<u64>,
}

impl ProcessFacts {
    pub(super) fn read() -> Self {
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        let page = page.and_then(|bytes| u64::try_from(bytes).ok());
        let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let bytes = |field: usize| {
            let pages: u64 = pages.split_whitespace().nth(field)?.parse().ok()?;
            Some(pages * page?)
        };
        let entries = |folder: &str| Some(fs::read_dir(folder).ok()?.count() as u64);
        Self {
            resident_bytes: bytes(1),
            virtual_bytes: bytes(0),
            // one of them is the folder that is read
            open_files: entries("/proc/self/fd").map(|count| count.saturating_sub(1)),
            max_files: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft),
            threads: entries("/proc/self/task"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_holds_memory_files_and_threads() {
        let facts = ProcessFacts::read();
        let (resident, all) = (facts.resident_bytes.unwrap(), facts.virtual_bytes.unwrap());
        assert!(resident > 100_000 && all > resident, "{facts:?}");
        assert!(facts.open_files.unwrap() >= 3 && facts.open_files < facts.max_files, "{facts:?}");
        assert!(facts.threads.unwrap() >= 1);
    }
}
