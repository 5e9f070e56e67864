//! Doing without something that a test needs: said aloud, and a failure in CI, where nothing is skipped.

/// Says that a test is skipped, and why.
///
/// # Panics
/// Where `CI` is set.
pub fn skipped(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    eprintln!("skipped: {why}");
}
