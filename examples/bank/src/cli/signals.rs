//! Signals that ask the program to stop: Ctrl-C (SIGINT) and SIGTERM.

use std::io;
use std::process;

use anyhow::{Context, Result};

/// Exit codes from here on mean that a signal ended the program.
const SIGNAL_EXIT_CODE: i32 = 128;

/// A listener for stop signals. While it exists, they do not end the program.
pub(crate) struct StopSignals(Signals);

impl StopSignals {
    pub(crate) fn listen() -> Result<Self> {
        Signals::listen().map(Self).context("cannot listen for signals")
    }

    /// Returns when a signal arrives.
    pub(crate) async fn recv(&mut self) {
        self.0.recv().await;
    }

    /// Ends the program as soon as another signal arrives.
    pub(crate) fn exit_on_next(mut self) {
        tokio::spawn(async move {
            let signal = self.0.recv().await;
            process::exit(SIGNAL_EXIT_CODE + signal);
        });
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns the number of the next signal.
    async fn recv(&mut self) -> i32 {
        use tokio::signal::unix::SignalKind;
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Returns the number of SIGINT on Unix, for the same exit code.
    async fn recv(&mut self) -> i32 {
        // If Ctrl-C cannot be handled, it ends the program by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        2
    }
}
