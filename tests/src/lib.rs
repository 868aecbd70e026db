//! What every store of enact must show, as a library: see [`conformance`](mod@conformance).
#![forbid(unsafe_code)]

pub mod conformance;

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
