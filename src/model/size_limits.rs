//! What sizes a network may have. Part of [`super::structure`].

use super::NetworkError;

/// No sizes beyond these make sense. They also keep every product of sizes from overflowing; how much is allocated is
/// bounded by the weights file (see [`super::NetworkSpec::parameters`]) and by a bound on what a layer makes of a window.
pub const MAX_SIZE: i64 = 4096;
pub const MAX_KERNEL: i64 = 16;
pub const MAX_POOL: i64 = 16;

/// Checks that a size is between 1 and `largest`.
///
/// # Errors
/// [`NetworkError::Size`].
pub fn check_size(what: &'static str, found: i64, largest: i64) -> Result<(), NetworkError> {
    if (1..=largest).contains(&found) {
        Ok(())
    } else {
        Err(NetworkError::Size { what, found, largest })
    }
}
