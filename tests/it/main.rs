//! Whole-behaviour tests, one binary: each module drives one part of tympan as its users would.

mod sinks;
