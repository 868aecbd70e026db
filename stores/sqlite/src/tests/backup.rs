//! How a backup stops.

use std::error::Error;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use enact::store::{NewJob, Store};
use enact::{JobKind, Json};
use jiff::Timestamp;
use tempfile::tempdir;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::SqliteStore;
use crate::apart::serve;
use crate::backup::backup;

type Outcome = Result<(), Box<dyn Error>>;

#[test]
fn a_backup_that_was_dropped_before_it_copied_leaves_no_file() -> Outcome {
    let directory = tempdir()?;
    let store = SqliteStore::open(directory.path().join("bank.db"))?;
    let backups = tempdir()?;
    let (start, _started) = oneshot::channel();
    let to = backups.path().join("bank.db");
    let outcome = serve(&store.path, start, &|| true, |connection| backup(connection, &store.path, &to));
    assert!(outcome.expect_err("it was dropped").to_string().contains("was dropped"));
    assert_eq!(fs::read_dir(backups.path())?.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_backup_that_is_dropped_while_it_copies_is_interrupted() -> Outcome {
    const PATIENCE: Duration = Duration::from_secs(60);
    let directory = tempdir()?;
    let store = SqliteStore::open(directory.path().join("bank.db"))?;
    let job = || {
        let id = Uuid::now_v7().to_string().parse().expect("a UUID is an id");
        NewJob::new(id, JobKind::Command, "ship", Json::from_text("{}"), Timestamp::UNIX_EPOCH)
    };
    store.submit(vec![], (0..2000).map(|_| job()).collect()).await?;
    let deadline = Instant::now() + PATIENCE;
    // An interrupt may come before the statement, or when it has ended.
    loop {
        assert!(Instant::now() < deadline, "no backup was interrupted");
        let backups = tempdir()?;
        let (start, started) = oneshot::channel();
        let (from, to) = (store.path.clone(), backups.path().join("bank.db"));
        let running = thread::spawn(move || {
            serve(&from, start, &|| false, |connection| backup(connection, &from, &to))
        });
        let interrupt = started.await?;
        // Its file is created just before the statement.
        while fs::read_dir(backups.path())?.count() == 0 && !running.is_finished() {
            thread::yield_now();
        }
        drop(interrupt);
        // Nothing else makes it fail. What the error says depends on what was interrupted.
        if running.join().expect("no panic").is_err() {
            assert_eq!(fs::read_dir(backups.path())?.count(), 0);
            return Ok(());
        }
    }
}
