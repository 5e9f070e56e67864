//! The program: parse, start the log, run the command, print one error, set the exit code.

fn main() {}
