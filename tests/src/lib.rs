//! Tests of enact's rules and its benchmarks. The library itself only compiles the README's program.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
