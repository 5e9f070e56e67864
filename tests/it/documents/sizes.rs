//! A front page that is one screen or two, and an architecture that a newcomer reads to its end.

use super::{assert_none, documents};

/// The most bytes that a document may have.
const LIMITS: [(&str, usize); 2] = [("README.md", 8_000), ("docs/ARCHITECTURE.md", 12_000)];

#[test]
fn the_first_pages_stay_short() {
    let documents = documents();
    let mut faults = Vec::new();
    for (path, most) in LIMITS {
        let document = documents.iter().find(|document| document.path == path);
        let bytes = document.unwrap_or_else(|| panic!("there is no {path}")).text.len();
        if bytes > most {
            faults.push(format!("{path}: {bytes} bytes; move what is more than {most} elsewhere"));
        }
    }
    assert_none("sizes", &faults);
}
