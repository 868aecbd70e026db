//! A running cluster.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::builder::Builder;
use crate::error::Error;
use crate::programs::Programs;
use crate::supervisor::Supervisor;

/// How long what another process has to finish first may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before asking again.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Waits until all clients have disconnected, for a minute at most.
    Smart,
    /// Disconnects the clients, and writes a checkpoint.
    Fast,
    /// As in a crash: the next start recovers from the log.
    Immediate,
}

impl Stop {
    fn signal(self) -> &'static str {
        match self {
            Self::Smart => "TERM",
            Self::Fast => "INT",
            Self::Immediate => "QUIT",
        }
    }
}

/// A private `PostgreSQL` server with its data. Dropping it stops the server and removes the data.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    supervisor: Mutex<Supervisor>,
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Cluster {
    /// Starts a cluster with `fsync` off.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// A cluster with settings.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(programs: Programs, supervisor: Supervisor, port: u16, password: String) -> Self {
        let folder = supervisor.folder().to_owned();
        Self { programs, supervisor: Mutex::new(supervisor), folder, port, password }
    }

    /// The URL of the database `postgres`, for its superuser. It stays the same when the server is restarted.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of a database, for the superuser. The database need not exist.
    pub fn url_of(&self, database: &str) -> String {
        let mut url = format!("postgres://postgres:{}@127.0.0.1:{}/", self.password, self.port);
        for byte in database.bytes() {
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    write!(url, "{}", char::from(byte))
                }
                _ => write!(url, "%{byte:02X}"),
            };
        }
        url
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the cluster: `data` is the server's, `log` has what it prints, and its socket is there.
    pub fn directory(&self) -> &Path {
        &self.folder
    }

    /// Runs a statement by `psql` as the superuser, in the database `postgres`. Returns the rows as lines, with `|` between columns.
    ///
    /// # Errors
    /// If the statement fails, or the server does not run.
    pub fn query(&self, sql: &str) -> Result<String, Error> {
        let mut command = Command::new(self.programs.folder().join("psql"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.args([
            "--no-psqlrc",
            "--quiet",
            "--no-align",
            "--tuples-only",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
        ]);
        command.arg("--host").arg(&self.folder).args(["--port", &self.port.to_string()]);
        command.args(["--username=postgres", "--dbname=postgres", "--command", sql]);
        let output = command.output().map_err(|error| Error::Failed(format!("psql: {error}")))?;
        if !output.status.success() {
            return Err(Error::Failed(format!(
                "{sql}: {}",
                String::from_utf8_lossy(&output.stderr).trim_end()
            )));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Stops the server and waits until it has ended. Does nothing if it does not run.
    ///
    /// # Errors
    /// If it has not ended after a minute.
    pub fn stop(&self, how: Stop) -> Result<(), Error> {
        self.supervisor().order(&format!("stop {}", how.signal()))
    }

    /// Kills the server by SIGKILL. Its backends notice and end by themselves: a [`restart`](Self::restart) waits for them.
    ///
    /// # Errors
    /// If it has not ended after a minute.
    pub fn kill(&self) -> Result<(), Error> {
        self.supervisor().order("stop KILL")
    }

    /// Starts the server again on the same port, and waits until it accepts connections. Stops it before, [fast](Stop::Fast), if it runs.
    ///
    /// # Errors
    /// If it does not stop or does not start.
    pub fn restart(&self) -> Result<(), Error> {
        let mut supervisor = self.supervisor();
        supervisor.order("stop INT")?;
        let begun = Instant::now();
        loop {
            match supervisor.order(&format!("start {}", self.port)) {
                // Backends of the server that was killed are still there.
                Err(Error::Failed(reason))
                    if reason.contains("shared memory") && begun.elapsed() < PATIENCE =>
                {
                    thread::sleep(POLL);
                }
                result => return result,
            }
        }
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// One order at a time. A thread that panics holds no half of an order.
    fn supervisor(&self) -> MutexGuard<'_, Supervisor> {
        self.supervisor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
