//! Whether the wall clock, which dates every record, is set and kept by anybody. Read below a root folder; makes one finding.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::Finding;

/// No clock that is right shows less: 1 January 2026, before this program was. One without a battery begins at 1970.
const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// Nor one that shows more: 1 January 2100.
const LATEST: Timestamp = Timestamp::constant(4_102_444_800, 0);

/// Programs that keep the clock, as the kernel names them.
const KEEPERS: [&str; 4] = ["chronyd", "ntpd", "ntp-daemon", "systemd-timesyn"];
/// Made by the last of them once the clock is right.
const SYNCHRONISED: &str = "run/systemd/timesync/synchronized";
/// What says that the machine is a container, whose clock is its host's.
const CONTAINER_MARKS: [&str; 3] = ["run/.containerenv", ".dockerenv", "run/systemd/container"];

/// The wall clock, and what keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// What it shows.
    pub now: Timestamp,
    /// Whether systemd's client has set it.
    pub is_synchronised: bool,
    /// A program that keeps it.
    pub keeper: Option<String>,
    /// Whether it is the clock of another machine, which keeps it.
    pub is_container: bool,
}

impl Clock {
    /// Looks below `root`.
    pub fn gather(root: &Path, now: Timestamp) -> Self {
        let processes = fs::read_dir(root.join("proc")).into_iter().flatten().flatten();
        let keeper = processes
            .filter(|entry| {
                entry.file_name().to_string_lossy().starts_with(|it: char| it.is_ascii_digit())
            })
            .filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok())
            .find_map(|name| KEEPERS.into_iter().find(|keeper| *keeper == name.trim()));
        Self {
            now,
            is_synchronised: root.join(SYNCHRONISED).exists(),
            keeper: keeper.map(str::to_owned),
            is_container: CONTAINER_MARKS.iter().any(|mark| root.join(mark).exists()),
        }
    }

    /// A clock that is wrong is a warning: tympan captures all the same.
    pub fn finding(&self) -> Finding {
        const CHECK: &str = "clock";
        const ADVICE: &str =
            "sudo timedatectl set-ntp true, or install chrony; records carry the clock's time";
        if !(EARLIEST..LATEST).contains(&self.now) {
            let found = format!("it shows {:.0}, which cannot be", self.now);
            return Finding::warning(CHECK, found, ADVICE);
        }
        match &self.keeper {
            _ if self.is_synchronised => Finding::ok(CHECK, "synchronised by systemd-timesyncd"),
            Some(keeper) if keeper.starts_with("systemd-") => {
                let found = "systemd-timesyncd runs and has not reached a server yet";
                let advice =
                    "wait a minute; then look at the network (timedatectl timesync-status)";
                Finding::warning(CHECK, found, advice)
            }
            Some(keeper) => Finding::ok(CHECK, format!("{keeper} keeps it")),
            None if self.is_container => Finding::ok(CHECK, "a container's, kept by its host"),
            None => Finding::warning(CHECK, "nothing keeps it synchronised", ADVICE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn of(files: &[(&str, &str)]) -> Finding {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            put(root.path(), path, text);
        }
        Clock::gather(root.path(), EARLIEST).finding()
    }

    #[test]
    fn a_clock_is_good_that_somebody_keeps() {
        for files in [
            &[("run/systemd/timesync/synchronized", "")][..],
            &[("proc/321/comm", "chronyd\n")],
            &[(".dockerenv", "")],
        ] {
            assert_eq!(of(files).verdict, Verdict::Ok, "{files:?}");
        }
        assert!(of(&[("proc/321/comm", "ntpd\n")]).found.contains("ntpd"));
    }

    #[test]
    fn a_clock_is_a_warning_that_nobody_keeps_or_has_set_yet() {
        assert_eq!(of(&[("proc/321/comm", "bash\n")]).verdict, Verdict::Warning);
        assert_eq!(of(&[("proc/self/comm", "chronyd\n")]).verdict, Verdict::Warning);
        let waiting = of(&[("proc/321/comm", "systemd-timesyn\n")]);
        assert_eq!(waiting.verdict, Verdict::Warning);
        assert!(waiting.advice.contains("wait"), "{waiting:?}");
    }

    #[test]
    fn a_date_that_cannot_be_is_a_warning_whoever_keeps_the_clock() {
        let clock = |now| Clock { now, is_synchronised: true, keeper: None, is_container: false };
        let reset = clock(Timestamp::UNIX_EPOCH).finding();
        assert_eq!(reset.verdict, Verdict::Warning);
        assert!(reset.found.contains("1970-01-01T00:00:00Z"), "{reset:?}");
        assert_eq!(clock(LATEST).finding().verdict, Verdict::Warning);
        assert_eq!(clock(EARLIEST).finding().verdict, Verdict::Ok);
    }
}
