//! tympan

#![forbid(unsafe_code)]

pub mod config;
pub mod domain;
pub mod recognition;
