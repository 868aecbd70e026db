//! A process that is forked while a store is open.
#![cfg(unix)]

mod common;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use enact::store::{Cursor, Store, StoreError};
use enact::{JobId, JobState};
use enact_sqlite::SqliteStore;
use fork::{Fork, fork, waitpid};
use futures_util::FutureExt;
use tempfile::tempdir;

use common::process::{assert_passed, command};
use common::{Outcome, account, claim_of, new_job, second, started, success, worker};

const DIRECTORY: &str = "ENACT_TEST_DIRECTORY";

/// Forks are made in a process of their own, so that none of another test's locks is held in them.
#[test]
fn a_store_that_is_used_after_a_fork_says_so() -> Outcome {
    let directory = tempdir()?;
    let output = command("a_process_that_forks")?.env(DIRECTORY, directory.path()).output()?;
    assert_passed(&output);
    Ok(())
}

#[tokio::test]
#[ignore = "started by the test above in a process of its own"]
async fn a_process_that_forks() -> Outcome {
    let directory = PathBuf::from(env::var(DIRECTORY)?);
    let (bank, closed) = (directory.join("bank.db"), directory.join("closed.db"));
    drop(SqliteStore::open(&closed)?);
    let store = SqliteStore::open(&bank)?;
    let worker = worker("w");
    let job = started("withdraw", &worker);
    store.submit(Vec::new(), vec![job.clone()]).await?;
    store.commit(success(&job, &worker, "a-1")).await?;
    let parent = process::id();

    let findings = directory.join("findings");
    match fork()? {
        Fork::Child => {
            thread::spawn(|| {
                thread::sleep(Duration::from_secs(20));
                process::abort();
            });
            let found = in_the_fork(store, job.id, [&bank, &closed], parent);
            let is_written = fs::write(&findings, found.join("\n")).is_ok();
            process::exit(i32::from(!is_written));
        }
        Fork::Parent(child) => {
            assert_eq!(waitpid(child)?, 0, "the fork has ended");
            assert_eq!(fs::read_to_string(&findings)?, "");
        }
    }
    // The parent has lost nothing.
    let later = new_job("withdraw");
    store.submit(Vec::new(), vec![later.clone()]).await?;
    drop(store);
    let store = SqliteStore::open(&bank)?;
    assert_eq!(
        store.states(vec![job.id, later.id]).await?,
        [Some(JobState::Succeeded), Some(JobState::Ready)]
    );
    Ok(())
}

/// Returns what is not as it should be.
fn in_the_fork(store: SqliteStore, job: JobId, [bank, closed]: [&Path; 2], parent: u32) -> Vec<String> {
    let mut found = Vec::new();
    let mut says = |what: &str, error: Option<StoreError>, advice: &str| {
        let text = error.map_or_else(|| "no error".to_owned(), |error| error.to_string());
        for words in ["bank.db", &format!("process {parent}"), &format!("{}", process::id()), advice] {
            if !text.contains(words) {
                found.push(format!("{what}: `{words}` is not in: {text}"));
            }
        }
    };
    let worker = worker("w");
    // A call that is not refused at once never returns.
    macro_rules! refuses {
        ($($call:expr),* $(,)?) => {$(
            says(stringify!($call), $call.now_or_never().and_then(Result::err), "only after the fork, in each process");
        )*};
    }
    refuses![
        store.submit(Vec::new(), vec![new_job("withdraw")]),
        store.claim(claim_of(&worker, 1, second(0))),
        // They are in the cache, and not.
        store.load(&account("a-1")),
        store.load(&account("a-2")),
        store.entity(&account("a-1")),
        store.retire(&worker, 1),
        store.leases(),
        store.job(job),
        store.events(&Cursor::START, 9),
        store.prune_events(second(0), second(9), 9),
    ];
    let next = started("withdraw", &worker);
    let committed = store.commit(success(&next, &worker, "a-2")).now_or_never().and_then(Result::err);
    let committed = committed.map(|error| StoreError::new(error.to_string()));
    says("commit", committed, "only after the fork, in each process");
    // This does not wait for threads that are not there.
    drop(store);
    says("open", SqliteStore::open(bank).err(), "only after the fork, in each process");
    if let Err(error) = SqliteStore::open(closed) {
        found.push(format!("a file that was not open is opened: {error}"));
    }
    found
}
