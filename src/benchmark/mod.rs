//! Layer 6: how long a window takes from its last sample to a client of the socket, stage by stage; what the daemon costs; how
//! much faster than real time the same work runs; and all of it against a baseline.
//!
//! [`measure()`] runs the daemon at real-time pace and the same work as fast as it goes, both with an eye on whether the machine
//! is quiet enough to believe them. [`BenchReport`] holds what was found, [`Comparison`] judges it. Called by `tympan bench`.

mod comparison;
mod error;
mod latency;
mod live_run;
mod measure;
mod noise;
mod own_process;
mod report;
mod socket_client;
mod throughput;

pub use comparison::{Compared, ComparedFigure, Comparison, Verdict};
pub use error::BenchmarkError;
pub use latency::StageLatency;
pub use measure::{Benchmark, measure};
pub use noise::Noise;
pub use own_process::{CpuShare, ThreadShare, process_started};
pub use report::{BenchReport, Subject, check_place, load_baseline, save_baseline};
pub use socket_client::StartUp;
pub use throughput::Throughput;
