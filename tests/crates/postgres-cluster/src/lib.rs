//! Private `PostgreSQL` servers for tests.
//!
//! [`shared`] is one server for the whole test process, [`Cluster::builder`] starts one for a single test: to stop it, kill it, or give it
//! a [standby](Cluster::standby). A server belongs to the process that started it. It ends with that process, however the
//! process ends, and leaves no files. A fork of the process keeps the server until it ends, too.
//!
//! ```no_run
//! # fn run() -> Option<()> {
//! let cluster = postgres_cluster::shared_or_left_out("r17_versions")?;
//! println!("{}", cluster.url());
//! # Some(()) }
//! ```
//!
//! The functions block: a test of async code on one thread calls them where nothing else has to run.
//!
//! Connections over TCP need the password in [`Cluster::url`]. It is random, since any user of the machine can reach the port, and a
//! superuser of `PostgreSQL` runs programs as the account of the server. The verifier of the password has one iteration
//! instead of 4096, which protect weak passwords and would cost each connection milliseconds.
#![forbid(unsafe_code)]

mod account;
mod builder;
mod cluster;
mod error;
mod password;
mod programs;
mod standby;
mod supervisor;

use std::io::{self, Write};
use std::sync::OnceLock;

pub use builder::Builder;
pub use cluster::{Cluster, Stop};
pub use error::{Error, Missing};
use programs::OLDEST;
pub use programs::Programs;
pub use standby::Replication;

/// The cluster that all tests of this process share. It is started by the first call, with `fsync` off and 300 connections.
///
/// # Errors
/// Those of [`Builder::start`], the same at each call.
pub fn shared() -> Result<&'static Cluster, Error> {
    static SHARED: OnceLock<Result<Cluster, Error>> = OnceLock::new();
    SHARED
        .get_or_init(|| Cluster::builder().setting("max_connections", "300").start())
        .as_ref()
        .map_err(Error::clone)
}

/// The [shared] cluster, or `None` if the machine has no `PostgreSQL`: `test` is then [left out](or_left_out).
///
/// # Panics
/// If the cluster does not start although there is a `PostgreSQL`.
#[track_caller]
pub fn shared_or_left_out(test: &str) -> Option<&'static Cluster> {
    or_left_out(test, shared())
}

/// What has been started, or `None` if the machine has no `PostgreSQL`.
///
/// The test returns early then, and passes. So that this is seen, a line `LEFT OUT: <test>: needs PostgreSQL …` goes to standard error past
/// the capture of the test harness, and `.ci/run` fails on it. An `#[ignore]` is of no use here: it is decided when the test is compiled.
///
/// # Panics
/// If the start failed for another reason.
#[track_caller]
pub fn or_left_out<C>(test: &str, started: Result<C, Error>) -> Option<C> {
    match started {
        Ok(cluster) => Some(cluster),
        Err(Error::Missing(_)) => {
            let line = format!("LEFT OUT: {test}: needs PostgreSQL {OLDEST} or later, see .ci/postgres\n");
            // `eprintln!` is captured. There is nowhere to report that standard error is closed.
            let _ = io::stderr().write_all(line.as_bytes());
            None
        }
        Err(error) => panic!("{test}: {error}"),
    }
}
