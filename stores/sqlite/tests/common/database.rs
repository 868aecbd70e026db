//! A database as a file.

use std::fs;
use std::path::{Path, PathBuf};

use enact::JobId;
use enact::store::{JobQuery, Store, StoreError};
use enact_sqlite::SqliteStore;

use super::new_job;

pub(crate) async fn publish(store: &SqliteStore) -> Result<JobId, StoreError> {
    let job = new_job("withdraw");
    let id = job.id;
    store.submit(Vec::new(), vec![job]).await.map(|_| id)
}

pub(crate) async fn publish_many(store: &SqliteStore, count: usize) -> Result<Vec<JobId>, StoreError> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(publish(store).await?);
    }
    Ok(ids)
}

pub(crate) async fn stored(store: &SqliteStore) -> Result<Vec<JobId>, StoreError> {
    let query = JobQuery::new().limit(1_000_000);
    Ok(store.jobs(&query).await?.jobs.into_iter().map(|job| job.id).collect())
}

/// Opens a database, verifies it and returns its jobs.
pub(crate) async fn jobs_of(path: &Path) -> Result<Vec<JobId>, StoreError> {
    let store = SqliteStore::open(path)?;
    assert_eq!(store.check().await?, Vec::<String>::new(), "{}", path.display());
    stored(&store).await
}

pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[track_caller]
pub(crate) fn assert_says(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for words in words {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

/// Asserts that it is refused with these words, and that no file is changed by that.
#[track_caller]
pub(crate) fn assert_refused(path: &Path, words: &[&str]) {
    let contents = || (fs::read(path).ok(), fs::read(beside(path, "-wal")).ok());
    let before = contents();
    assert_says(&SqliteStore::open(path).expect_err("it is refused"), words);
    assert!(contents() == before, "it is not changed");
}
