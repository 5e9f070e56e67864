//! Whether a program can be started by its name. Asked before anything starts it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Whether `program` is an executable file: by its path if it has a slash, else in one of the folders of `PATH`.
pub fn is_program(program: &str) -> bool {
    let is_executable = |path: &Path| {
        std::fs::metadata(path)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_executable(Path::new(program));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| is_executable(&folder.join(program)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_path_and_by_name_and_nothing_else_is_one() {
        assert!(is_program("/bin/sh") && is_program("sh"));
        for other in ["/etc/passwd", "/bin", "no-such-program", "", "bin/sh"] {
            assert!(!is_program(other), "{other}");
        }
    }
}
