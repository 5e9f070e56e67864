//! Layer 7: what a measurement came to, as one page with its pictures inside, as JSON, and as picture files.
//!
//! Fed by `eval` with figures and by `train`'s logs; writes a folder. Runs on the thread that calls it.

mod page;
mod pictures;

pub use page::{ReportError, write_report};
