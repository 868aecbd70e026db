//! The shell that runs the server of a cluster and outlives this process (`supervisor.sh`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs, io};

use crate::account::Account;
use crate::error::Error;
use crate::programs::Programs;

const SCRIPT: &str = include_str!("supervisor.sh");

/// How long the path of the folder for temporary files may be, in bytes. A socket's path has at most some 100.
const MAX_TEMPORARY: usize = 60;

/// How much of a log an error has, in lines.
const LOG_LINES: usize = 20;

/// The shell that runs the server of a cluster. Dropping it stops the server and removes the folder.
#[derive(Debug)]
pub(crate) struct Supervisor {
    process: Child,
    /// `None` while it is dropped.
    orders: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Supervisor {
    /// Starts the shell, which creates a folder.
    pub(crate) fn start(programs: &Programs) -> Result<Self, Error> {
        let account = Account::current()?;
        let mut reasons = Vec::new();
        for temporary in [env::temp_dir(), PathBuf::from("/tmp")] {
            match Self::start_in(&temporary, programs, account) {
                Ok(supervisor) => return Ok(supervisor),
                Err(reason) => reasons.push(format!("{}: {reason}", temporary.display())),
            }
        }
        Err(Error::Failed(format!("no folder for a cluster: {}", reasons.join("; "))))
    }

    fn start_in(temporary: &Path, programs: &Programs, account: Account) -> Result<Self, String> {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+".contains(char);
        let path =
            temporary.to_str().filter(|path| path.len() <= MAX_TEMPORARY && path.chars().all(is_plain));
        let path = path.ok_or("the path of a socket must be short, and plain in orders")?;
        let template = temporary.join(template_name(programs, account));
        let mut command = Command::new("sh");
        command
            .args(["-c", SCRIPT, "postgres-cluster"])
            .arg(programs.folder())
            .args([path.as_ref(), template.as_os_str()]);
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        account.apply(&mut command);
        let mut process = command.spawn().map_err(|error| format!("sh: {error}"))?;
        let orders = process.stdin.take();
        let replies = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut supervisor = Self { process, orders, replies, folder: PathBuf::new() };
        let folder = supervisor.reply().map_err(|error| error.to_string())?;
        supervisor.folder =
            folder.ok_or_else(|| format!("user {} creates no folder there", account.user()))?.into();
        Ok(supervisor)
    }

    /// The folder of the cluster.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives an order and waits until it is done.
    ///
    /// # Errors
    /// If it fails: with the end of what has been written to the log meanwhile.
    pub(crate) fn order(&mut self, order: &str) -> Result<(), Error> {
        let log = self.folder.join("log");
        let logged = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let reply = self.send(order).and_then(|()| self.reply());
        if matches!(&reply, Ok(Some(reply)) if reply == "done") {
            return Ok(());
        }
        let text = fs::read(&log).unwrap_or_default();
        let text =
            String::from_utf8_lossy(text.get(usize::try_from(logged).unwrap_or(0)..).unwrap_or_default());
        let lines: Vec<_> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        let name = order.split(' ').next().unwrap_or_default();
        Err(Error::Failed(match reply {
            Ok(Some(_)) => format!("PostgreSQL: {name} failed:\n{end}"),
            Ok(None) => format!("PostgreSQL: {name}: the supervisor has ended:\n{end}"),
            Err(error) => format!("PostgreSQL: {name}: the supervisor does not reply: {error}"),
        }))
    }

    fn send(&mut self, order: &str) -> io::Result<()> {
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // At once: a process that ends meanwhile gives no half of an order.
        orders.write_all(format!("{order}\n").as_bytes())
    }

    /// The next reply. `None` if the shell has ended.
    fn reply(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        self.replies.read_line(&mut line)?;
        Ok(line.strip_suffix('\n').map(str::to_owned))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.orders = None;
        // It cannot fail: the process is a child, and nothing else waits for it.
        let _ = self.process.wait();
    }
}

/// The name of the file with the data of a new cluster, which clusters begin as. It differs for everything that the data depends on.
fn template_name(programs: &Programs, account: Account) -> String {
    let mut hasher = DefaultHasher::new();
    (SCRIPT, programs.version(), programs.folder(), account.user()).hash(&mut hasher);
    format!("enact-postgres-template-{:016x}.tar", hasher.finish())
}
