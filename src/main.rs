//! The program: parse the command line, run the command, print one error, set the exit code.

#![deny(unsafe_code)]

use std::process::ExitCode;

/// Parses, runs, reports.
fn main() -> ExitCode {
    match tympan::cli::Arguments::parse_or_exit() {
        Ok(arguments) => match tympan::cli::dispatch(arguments) {
            Ok(code) => code,
            Err(failure) => failure.report(),
        },
        Err(code) => code,
    }
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
