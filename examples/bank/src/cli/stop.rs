//! Being asked to stop: by Ctrl-C, or by whoever runs the program.

use std::io;
use std::process;

use anyhow::{Context, Result};

/// What a shell expects of a program that was ended by a signal.
const ENDED_BY: i32 = 128;

/// Listens for signals to stop. As long as it lives, they do not end the program by themselves.
pub(crate) struct Stop(Signals);

impl Stop {
    pub(crate) fn listen() -> Result<Self> {
        Signals::listen().map(Self).context("this process cannot listen for signals")
    }

    /// Returns when the program is asked to stop.
    pub(crate) async fn asked(&mut self) {
        self.0.next().await;
    }

    /// Ends the program at once when it is asked again.
    pub(crate) fn at_once_if_asked_again(mut self) {
        tokio::spawn(async move {
            let signal = self.0.next().await;
            process::exit(ENDED_BY + signal);
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

    /// The number of the next signal.
    async fn next(&mut self) -> i32 {
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

    /// The number that Ctrl-C has elsewhere.
    async fn next(&mut self) -> i32 {
        // Where it cannot be listened for, it ends the program by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        2
    }
}
