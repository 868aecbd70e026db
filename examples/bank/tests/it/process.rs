//! Banks that work in processes of their own, and the office in this one, which publishes and looks.

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

/// How long something may take before it is taken to stand still.
const PATIENCE: Duration = Duration::from_mins(2);

/// `bank work`, in a process of its own. It is killed when it is dropped.
pub(crate) struct Worker {
    process: Child,
    stdout: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts one, and returns when it works.
    pub(crate) fn start(db: &Path, options: &[&str]) -> Self {
        Self::start_as(&mut command(db, options))
    }

    /// The same, with a log that can be read.
    pub(crate) fn start_with_log(db: &Path, options: &[&str], log: &Path) -> Self {
        let log = File::create(log).expect("a log can be written");
        Self::start_as(command(db, options).env("RUST_LOG", "warn").stderr(log))
    }

    fn start_as(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut worker = Self { process, stdout };
        assert!(worker.line().starts_with("works on "), "it says that it works");
        worker
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line that it writes; empty behind the last.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it writes UTF-8");
        line
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("it is there to be signalled");
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("it can be waited for").is_some()
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.process.wait().expect("it can be waited for")
    }

    /// As an operator does.
    pub(crate) fn stop(self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait().code(), Some(0));
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it can be killed");
        let status = self.process.wait().expect("it has ended");
        assert_eq!(status.code(), None, "it was to be killed, and has ended before");
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

/// A bank in this process that runs nothing that is published.
pub(crate) async fn office(db: &Path) -> Runtime {
    builder(db).without_worker().start().await.expect("the domain is wired")
}

/// A bank in this process that works.
pub(crate) async fn open(db: &Path) -> Runtime {
    builder(db).lease(Duration::from_secs(1)).start().await.expect("the domain is wired")
}

fn builder(db: &Path) -> RuntimeBuilder {
    let store = SqliteStore::open(db).expect("the database opens");
    Runtime::builder(store).provide::<dyn Notifier>(Arc::new(Recorder::default()))
}

pub(crate) async fn close(bank: Runtime) {
    bank.shutdown(Duration::from_mins(1)).await.expect("nothing takes long");
}

pub(crate) async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "it takes too long");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What a process has written to a file.
pub(crate) fn text_of(path: &Path) -> String {
    fs::read_to_string(path).expect("the file can be read")
}
