//! A bank on enact: the example to read first.
//!
//! - [`domain`] is the bank itself: its entities, commands, events and invariants. It knows no store and no command line.
//! - [`ledger`] reads a ledger from a CSV file, line by line.
//! - [`replay`](mod@replay) publishes a command for each row of a ledger and sums up the outcomes.
//! - [`correlation`] waits for all jobs that a request or a replay causes.
//!
//! The command line is in `src/main.rs` and `src/cli`.
#![forbid(unsafe_code)]

pub mod correlation;
pub mod domain;
pub mod ledger;
pub mod replay;
