//! `tympan bench`: how long a window takes from its last sample to a client of the socket, stage by stage; what the daemon
//! costs; how much faster than real time the same work runs; and all of it against a baseline.
//!
//! `live_run` listens at real-time pace and `throughput` works as fast as it goes, both under the eyes of `noise`, which
//! says whether the machine was quiet enough to believe them. `report` holds what was found, `comparison` judges it.

mod baseline;
mod command;
mod comparison;
mod figure;
mod latency;
mod live_run;
mod noise;
mod own_process;
mod report;
mod socket_client;
mod subject;
mod throughput;
mod wake_meter;

pub use command::{BenchArguments, bench};
