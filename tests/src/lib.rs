//! Tests of enact's rules and its benchmarks. The library itself only compiles the programs of the READMEs.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../runtime/README.md")]
struct Runtime;

#[cfg(doctest)]
#[doc = include_str!("../../stores/sqlite/README.md")]
struct Sqlite;

#[cfg(doctest)]
#[doc = include_str!("../../stores/suite/README.md")]
struct Suite;
