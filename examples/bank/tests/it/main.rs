//! Tests of the bank's domain, on `TestRuntime`, and of its program, run as a process.

mod command_line;
#[cfg(unix)]
mod crash;
mod domain;
mod fixture;
#[cfg(unix)]
mod fleet;
mod fraud;
mod interest;
#[cfg(unix)]
mod many_transfers;
mod notify;
mod operate;
mod plain_loop;
mod postgres;
#[cfg(unix)]
mod process;
mod program;
mod replay;
mod transfer;
#[cfg(unix)]
mod watch;
#[cfg(unix)]
mod work;
