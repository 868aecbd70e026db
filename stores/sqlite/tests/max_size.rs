//! A database that has reached its `max_size`.

mod common;

use std::error::Error;

use enact::store::{JobQuery, Store, Submitted};
use enact::{JobState, Json};
use enact_sqlite::SqliteStore;
use tempfile::tempdir;

use common::{account, new_job, started, success, worker};

const QUOTA: u64 = 256 * 1024;

#[tokio::test]
async fn a_full_database_refuses_whole_calls_and_works_again_with_a_higher_limit()
-> Result<(), Box<dyn Error>> {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).max_size(QUOTA).open()?;
    let worker = worker("w");
    let job = started("withdraw", &worker);
    store.submit(Vec::new(), vec![job.clone()]).await?;

    // An entity larger than what is left.
    let mut commit = success(&job, &worker, "a-1");
    if let Some(write) = &mut commit.write {
        write.body = Json::of(&"x".repeat(2 * 256 * 1024))?;
    }
    let error = store.commit(commit.clone()).await.expect_err("it does not fit").to_string();
    for words in ["bank.db", "full", "max_size"] {
        assert!(error.contains(words), "`{words}` is not in: {error}");
    }

    // The commit changed nothing, and calls that fit succeed.
    assert_eq!(store.load(&account("a-1")).await?, None);
    assert_eq!(store.events(&enact::store::Cursor::START, 10).await?, []);
    assert_eq!(store.job(job.id).await?.map(|job| job.state), Some(JobState::Running));
    assert_eq!(store.submit(Vec::new(), vec![new_job("withdraw")]).await?, [Submitted::New]);

    drop(store);
    let store = SqliteStore::builder(&path).max_size(8 * QUOTA).open()?;
    store.commit(commit).await?;
    assert!(store.load(&account("a-1")).await?.is_some());
    assert_eq!(store.job(job.id).await?.map(|job| job.state), Some(JobState::Succeeded));
    Ok(())
}

/// A call that does not fit must not fail the others of its group, and must store nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_confirmed_jobs_are_stored_when_the_database_fills_up() -> Result<(), Box<dyn Error>> {
    let directory = tempdir()?;
    let store = SqliteStore::builder(directory.path().join("bank.db")).max_size(QUOTA).open()?;
    let calls = (0..400).map(|_| {
        let mut job = new_job("withdraw");
        job.payload = Json::from_text(format!("\"{}\"", "x".repeat(2000)));
        let id = job.id;
        let submitted = store.submit(Vec::new(), vec![job]);
        async move { (id, submitted.await.is_ok()) }
    });
    let mut accepted: Vec<_> = futures_util::future::join_all(calls).await;
    accepted.retain(|(_, ok)| *ok);
    assert!(!accepted.is_empty() && accepted.len() < 400, "some fit, some do not: {}", accepted.len());

    let stored = store.jobs(&JobQuery::new().limit(1000)).await?.jobs;
    let accepted: Vec<_> = accepted.into_iter().map(|(id, _)| id).collect();
    assert_eq!(stored.iter().map(|job| job.id).collect::<Vec<_>>(), accepted);
    Ok(())
}
