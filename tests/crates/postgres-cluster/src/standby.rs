//! Standbys of a cluster.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use crate::builder::{append, start_server};
use crate::cluster::{Cluster, PATIENCE, POLL};
use crate::error::Error;
use crate::supervisor::Supervisor;

/// What a commit on the primary waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// For no standby.
    Asynchronous,
    /// Until the standby has written it, if `synchronous_commit` of the transaction is `on`, which is the default.
    Synchronous,
}

impl Cluster {
    /// Starts a standby that this server, the primary, streams to. Returns when it has caught up. A replication slot on the primary keeps what
    /// the standby has not received. A primary waits for the one synchronous standby that was started last.
    ///
    /// # Errors
    /// If the primary does not run, or the standby does not start.
    pub fn standby(&self, replication: Replication) -> Result<Self, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("standby_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut supervisor = Supervisor::start(self.programs())?;
        supervisor.order(&format!("backup {name} {} {}", self.port(), self.directory().display()))?;
        // Once promoted, it has no standby to wait for.
        let own = [("synchronous_standby_names".to_owned(), String::new())];
        append(&supervisor.folder().join("data/postgresql.auto.conf"), &own)?;
        let standby = start_server(self.programs().clone(), supervisor)?;
        self.wait_for(&name, "state", "streaming")?;
        if replication == Replication::Synchronous {
            self.query(&format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"))?;
            self.query("SELECT pg_reload_conf()")?;
            self.wait_for(&name, "sync_state", "sync")?;
            // Commits wait from when the checkpointer has read the setting, which it does before it begins a checkpoint.
            self.query("CHECKPOINT")?;
        }
        Ok(standby)
    }

    /// Makes a standby a primary. Returns when it accepts writes.
    ///
    /// # Errors
    /// If it is no standby, does not run, or takes longer than a minute.
    pub fn promote(&self) -> Result<(), Error> {
        match &*self.query("SELECT pg_promote()")? {
            "t" => Ok(()),
            _ => Err(Error::Failed("the standby is not promoted after a minute".to_owned())),
        }
    }

    /// Waits until the primary says so of a standby.
    fn wait_for(&self, standby: &str, column: &str, wanted: &str) -> Result<(), Error> {
        let sql = format!("SELECT {column} FROM pg_stat_replication WHERE application_name = '{standby}'");
        let begun = Instant::now();
        loop {
            let found = self.query(&sql)?;
            if found == wanted {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::Failed(format!("{standby}: {column} is `{found}` instead of `{wanted}`")));
            }
            thread::sleep(POLL);
        }
    }
}
