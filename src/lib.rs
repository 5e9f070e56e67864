//! tympan

#![forbid(unsafe_code)]

pub mod domain;
pub mod dsp;
pub mod features;
