//! Shared by the tests: other processes, and waiting.
#![allow(dead_code, reason = "each test file uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postgres_cluster::{Cluster, Programs};
use rustix::process::{Pid, Signal};

/// Whether servers can be started. If not, the test is left out.
pub(crate) fn is_installed(test: &str) -> bool {
    postgres_cluster::or_left_out(test, Programs::find().map_err(Into::into)).is_some()
}

/// A command that runs one ignored test of the same file.
pub(crate) fn command(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command
}

/// Waits until a condition holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "timed out waiting until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a process with a cluster says of it.
pub(crate) fn report(cluster: &Cluster) {
    println!("\ncluster {} {} {}", server(cluster), cluster.port(), cluster.directory().display());
}

/// The process of a server.
pub(crate) fn server(cluster: &Cluster) -> i32 {
    let file = std::fs::read_to_string(cluster.directory().join("data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

/// Another process that has a cluster, in a process group of its own.
pub(crate) struct Owner {
    pub(crate) child: Child,
    pub(crate) port: u16,
    /// Held open, so that the process can print.
    _output: BufReader<ChildStdout>,
    server: i32,
    directory: PathBuf,
}

impl Owner {
    pub(crate) fn start(test: &str) -> Self {
        Self::from(Self::spawn(test))
    }

    pub(crate) fn spawn(test: &str) -> Child {
        command(test).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).spawn().unwrap()
    }

    pub(crate) fn signal_group(&self, signal: Signal) {
        let group = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process_group(group, signal).unwrap();
    }

    /// Asserts that the process ends, and that neither its server nor its files outlive it.
    pub(crate) fn assert_gone(mut self) {
        self.child.wait().unwrap();
        until("the server has ended", || !is_alive(self.server));
        until("the folder is removed", || !self.directory.exists());
    }
}

impl From<Child> for Owner {
    /// Waits until the process reports its cluster.
    fn from(mut child: Child) -> Self {
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = output.by_ref().lines().map(Result::unwrap);
        let line = lines.find(|line| line.starts_with("cluster ")).expect("the process has a cluster");
        let mut words = line.split(' ').skip(1);
        let mut word = || words.next().unwrap();
        let (server, port) = (word().parse().unwrap(), word().parse().unwrap());
        let directory = PathBuf::from(word());
        assert!(is_alive(server) && directory.is_dir());
        Self { child, port, _output: output, server, directory }
    }
}

pub(crate) fn is_alive(process: i32) -> bool {
    // Fails with EPERM, not with ESRCH, if it is another account's.
    let found = rustix::process::test_kill_process(Pid::from_raw(process).unwrap());
    found != Err(rustix::io::Errno::SRCH)
}
