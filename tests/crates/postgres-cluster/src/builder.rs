//! Starting a cluster.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::password;
use crate::programs::Programs;
use crate::supervisor::Supervisor;

/// How many ports are tried.
const MAX_PORTS: usize = 50;

/// The ports. They are below those that systems assign to connections, so that a server which is restarted gets its port again.
const PORTS: std::ops::Range<u16> = 15_000..32_000;

/// The settings of every cluster. Shared memory is in the folder, so that a server which is killed leaves none.
const SETTINGS: [(&str, &str); 2] = [("fsync", "off"), ("dynamic_shared_memory_type", "mmap")];

/// Starts a cluster.
#[derive(Clone, Debug)]
pub struct Builder {
    settings: Vec<(String, String)>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { settings: Vec::new() }.settings(SETTINGS)
    }

    /// Sets a parameter of the server as `postgresql.conf` does, such as `max_connections`. `fsync` is off if it is not set.
    /// `port`, `listen_addresses` and `unix_socket_directories` have no effect: they are the cluster's.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    fn settings<'a>(self, settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        settings.into_iter().fold(self, |builder, (name, value)| builder.setting(name, value))
    }

    /// Starts the cluster and waits until it accepts connections. Takes a quarter of a second; once for each machine and version, some seconds
    /// more.
    ///
    /// # Errors
    /// [`Error::Missing`] if the machine has no `PostgreSQL`, [`Error::Failed`] if it does not start.
    pub fn start(self) -> Result<Cluster, Error> {
        let programs = Programs::find()?;
        let mut supervisor = Supervisor::start(&programs)?;
        let (password, verifier) = password::random()?;
        supervisor.order(&format!("create {verifier} {password}"))?;
        append(&supervisor.folder().join("data/postgresql.conf"), &self.settings)?;
        start_server(programs, supervisor)
    }
}

/// Adds settings to a file. Of several with one name, a server uses the last.
pub(crate) fn append(file: &Path, settings: &[(String, String)]) -> Result<(), Error> {
    let text = settings.iter().fold(String::from("\n"), |mut text, (name, value)| {
        let value = value.replace('\\', r"\\").replace('\'', "''");
        let _ = writeln!(text, "{name} = '{value}'");
        text
    });
    let appended =
        fs::OpenOptions::new().append(true).open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    appended.map_err(|error| Error::Failed(format!("{}: {error}", file.display())))
}

/// Starts the server of a folder with data on a free port.
pub(crate) fn start_server(programs: Programs, mut supervisor: Supervisor) -> Result<Cluster, Error> {
    let file = supervisor.folder().join("password");
    let password =
        fs::read_to_string(&file).map_err(|error| Error::Failed(format!("{}: {error}", file.display())))?;
    let mut last = None;
    for _ in 0..MAX_PORTS {
        let port = random_port()?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            continue;
        }
        match supervisor.order(&format!("start {port}")) {
            Ok(()) => return Ok(Cluster::new(programs, supervisor, port, password.trim().to_owned())),
            // Another process took it meanwhile.
            Err(Error::Failed(reason)) if reason.contains("could not bind") => {
                last = Some(Error::Failed(reason));
            }
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Failed(format!("no free port among {MAX_PORTS} in {PORTS:?}"))))
}

fn random_port() -> Result<u16, Error> {
    let [first, second, ..] = password::bytes()?;
    Ok(PORTS.start + u16::from_be_bytes([first, second]) % (PORTS.end - PORTS.start))
}
