//! Other processes. Each runs one test of the same file, which is ignored otherwise.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use enact::JobId;
use enact_sqlite::{SqliteStore, Synchronous};

use super::Outcome;
use super::database::{beside, publish_many};

/// The variable that names the database of a process.
pub(crate) const DATABASE: &str = "ENACT_TEST_DATABASE";

/// A process that runs one test.
pub(crate) fn command(test: &str) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    Ok(command)
}

/// Asserts that the one test that ran in a process of its own has passed. Returns what it printed.
#[track_caller]
pub(crate) fn assert_passed(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
    out
}

/// Another process that has a store open and takes orders. The test file has a test `a_process_that_takes_orders`, which is
/// [`take_orders`].
pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(database: &Path) -> Result<Self, Box<dyn Error>> {
        let mut command = command("a_process_that_takes_orders")?;
        command.env(DATABASE, database).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let orders = child.stdin.take().expect("it is piped");
        let replies = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Self { child, orders, replies })
    }

    /// Returns what the process says.
    pub(crate) fn order(&mut self, order: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.orders, "{order}")?;
        let mut line = String::new();
        while self.replies.read_line(&mut line)? > 0 {
            if let Some(reply) = line.trim_end().strip_prefix("reply") {
                return Ok(reply.trim_start().to_owned());
            }
            line.clear();
        }
        Err(format!("the process has ended at `{order}`").into())
    }

    /// Returns the ids of the jobs.
    pub(crate) fn publish(&mut self, count: usize) -> Result<Vec<JobId>, Box<dyn Error>> {
        let reply = self.order(&format!("publish {count}"))?;
        Ok(reply.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
    }

    /// The process closes the store and ends.
    pub(crate) fn finish(self) -> Outcome {
        let Self { mut child, orders, replies } = self;
        drop((orders, replies));
        child.wait()?;
        Ok(())
    }

    /// By SIGKILL.
    pub(crate) fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

pub(crate) async fn take_orders() -> Outcome {
    let path = PathBuf::from(env::var_os(DATABASE).ok_or("no database")?);
    let store = SqliteStore::builder(&path).synchronous(Synchronous::Normal).open()?;
    for line in io::stdin().lines() {
        let line = line?;
        let (order, what) = line.split_once(' ').unwrap_or((&line, ""));
        let reply = match order {
            "publish" => {
                let ids = publish_many(&store, what.parse()?).await;
                ids.map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            }
            "copy" => {
                // This releases the locks of this process on the file.
                fs::copy(what, beside(Path::new(what), "-copy"))?;
                Ok("copied".to_owned())
            }
            _ => return Err(format!("unknown order: {line}").into()),
        };
        println!("\nreply {}", reply.unwrap_or_else(|error| format!("refused: {error}")));
    }
    Ok(())
}

/// Publishes in another process, which is killed.
pub(crate) fn crash(database: &Path, count: usize) -> Result<Vec<JobId>, Box<dyn Error>> {
    let mut process = Process::start(database)?;
    let ids = process.publish(count)?;
    process.kill()?;
    Ok(ids)
}
