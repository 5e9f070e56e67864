//! What the daemon asks of the system for its process: no trace of audio on disk after a crash, and descriptors enough.

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a process has where the system does not say.
const USUAL_DESCRIPTORS: u64 = 1024;

/// Forbids core dumps, which would hold the last seconds of audio: to files by the limit, and to whatever collects them by
/// taking the process out of what the kernel dumps. Nobody but root can read its memory any more, a debugger included.
///
/// # Errors
/// The system's own.
pub fn forbid_core_dumps() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)
}

/// Raises the limit on open files as far as this process may, and says how many they are.
pub fn raise_descriptors() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return USUAL_DESCRIPTORS };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}
