//! The program: parse the command line, run the command, print one error, set the exit code.

#![deny(unsafe_code)]

use std::process::ExitCode;

/// Parses, runs, reports.
fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    share_arenas();
    match tympan::cli::Arguments::parse_or_exit() {
        Ok(arguments) => match tympan::cli::dispatch(arguments) {
            Ok(code) => code,
            Err(failure) => failure.report(),
        },
        Err(code) => code,
    }
}

/// Has all threads allocate from two arenas. By default glibc gives each thread one of up to eight a core, and what is freed in an
/// arena stays there: every reload and every reopened source, on whichever thread, then keeps the memory of a model or a ring.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn share_arenas() {
    const ARENAS: nix::libc::c_int = 2;
    #[expect(
        unsafe_code,
        reason = "a call of the C library without pointers; there is one thread as yet"
    )]
    let _is_done = unsafe { nix::libc::mallopt(nix::libc::M_ARENA_MAX, ARENAS) };
}

/// Signals that come before `main`, which libtorch delays by some 0.3 s, wait until there is a handler: a SIGHUP
/// would end the program, and a SIGTERM would end it with a failure.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod early {
    /// The loader calls what stands in this section before it initialises any library.
    #[expect(
        unsafe_code,
        reason = "a section can be named in no other way; the function is an ordinary one"
    )]
    #[used]
    #[unsafe(link_section = ".preinit_array")]
    static HOLD_SIGNALS: extern "C" fn() = hold_signals;

    extern "C" fn hold_signals() {
        tympan::cli::hold_signals();
    }
}
