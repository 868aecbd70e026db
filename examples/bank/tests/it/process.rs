//! Starts `bank work` in processes of their own, and banks in this process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bank::domain::Notifier;
use enact::{Runtime, RuntimeBuilder};
use enact_sqlite::SqliteStore;
use rustix::process::{Pid, Signal, kill_process};

use crate::fixture::Recorder;
use crate::program::{arguments, program};

/// How long [`wait_until`] waits before it fails the test.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A `bank work` process. Killed when it is dropped.
pub(crate) struct Worker {
    process: Child,
    stdout: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a process, and returns when it runs jobs.
    pub(crate) fn start(db: &Path, options: &[&str]) -> Self {
        Self::start_as(&mut command(db, options))
    }

    /// Starts a process that writes its log to a file.
    pub(crate) fn start_with_log(db: &Path, options: &[&str], log: &Path) -> Self {
        let log = File::create(log).expect("the log file is created");
        Self::start_as(command(db, options).env("RUST_LOG", "warn").stderr(log))
    }

    fn start_as(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut worker = Self { process, stdout };
        assert!(worker.line().starts_with("running jobs in "));
        worker
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns the next line of its output, or an empty string at the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the output is UTF-8");
        line
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("the process exists");
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("the process can be waited for").is_some()
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.process.wait().expect("the process can be waited for")
    }

    /// Stops it by SIGTERM, and waits until it has exited.
    pub(crate) fn stop(self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait().code(), Some(0));
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().expect("the process can be killed");
        let status = self.process.wait().expect("the process can be waited for");
        assert_eq!(status.code(), None, "the process exited before it was killed");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(db: &Path, options: &[&str]) -> Command {
    program(arguments(&[&["work"], options].concat(), &[("--db", db)]))
}

/// Starts a bank in this process that publishes jobs and runs none.
pub(crate) async fn publisher(db: &Path) -> Runtime {
    builder(db).without_worker().start().await.expect("the bank starts")
}

/// Starts a bank in this process that runs jobs.
pub(crate) async fn open(db: &Path) -> Runtime {
    builder(db).lease(Duration::from_secs(1)).start().await.expect("the bank starts")
}

fn builder(db: &Path) -> RuntimeBuilder {
    let store = SqliteStore::open(db).expect("the database opens");
    Runtime::builder(store).provide::<dyn Notifier>(Arc::new(Recorder::default()))
}

pub(crate) async fn close(bank: Runtime) {
    bank.shutdown(Duration::from_mins(1)).await.expect("all jobs finish in time");
}

/// Polls a condition until it holds.
pub(crate) async fn wait_until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < TIMEOUT, "timed out");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn read_text(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is readable")
}
