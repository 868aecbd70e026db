//! A bank on enact: the program that newcomers read first.
//!
//! - [`domain`] is the bank itself: accounts, what can be done with them, and what must hold of them. It uses enact and
//!   nothing else.
//! - [`ledger`] reads a bank's ledger from a CSV file, line by line.
//! - [`replay`](mod@replay) does again what a ledger says was done, and sums up what became of it.
//! - [`matter`] waits for all that one request or one replay has caused.
//!
//! The program around it is in `src/main.rs` and `src/cli`.
#![forbid(unsafe_code)]

pub mod domain;
pub mod ledger;
pub mod matter;
pub mod replay;
