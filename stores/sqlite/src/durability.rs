//! What an answer promises of the disk. The disk of these tests confirms nothing: what is answered nevertheless has not
//! waited for it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use enact::store::{Claim, NewJob, Store, StoreError};
use enact::{CorrelationId, JobKind, Json, WorkerId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::SqliteStore;
use crate::log::Log;
use crate::open::open_with;

fn on_a_disk_that_fails(path: &Path) -> SqliteStore {
    let log = |database: &Path| {
        let (_, pipe) = io::pipe().expect("a pipe");
        // A pipe can be written to, and never be synchronised.
        Ok(Some(Log::in_file(File::from(OwnedFd::from(pipe)), database).expect("a thread")))
    };
    open_with(&SqliteStore::builder(path), log).expect("the file is opened")
}

fn worker() -> WorkerId {
    WorkerId::from_text("w")
}

fn job(start: Option<WorkerId>) -> NewJob {
    NewJob {
        id: Uuid::now_v7().to_string().parse().expect("a UUID is an id"),
        name: "Ring".into(),
        kind: JobKind::Command,
        payload: Json::from_text("{}"),
        target: None,
        order_key: None,
        idempotency_key: None,
        correlation: CorrelationId::new("m"),
        cause: None,
        context: Arc::default(),
        created_at: Timestamp::UNIX_EPOCH,
        start,
    }
}

async fn claim(store: &SqliteStore, once: &[&str]) -> Result<usize, StoreError> {
    let once = once.iter().map(|name| (*name).into()).collect();
    let claim =
        Claim { worker: worker(), names: ["Ring".into()].into(), once, limit: 1, now: Timestamp::UNIX_EPOCH };
    store.claim(claim).await.map(|claimed| claimed.jobs.len())
}

#[tokio::test]
async fn r02_a_published_job_is_durable_when_it_is_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = on_a_disk_that_fails(&folder.path().join("db"));
    let error = store.submit(vec![], vec![job(None)]).await.expect_err("the disk does not have it");
    assert!(error.to_string().contains("the disk has failed to confirm a write"), "{error}");

    // What is on the disk and what is not cannot be known from here on.
    let error = store.submit(vec![], vec![job(Some(worker()))]).await.expect_err("nothing is taken any more");
    assert!(error.to_string().contains("open the store anew"), "{error}");
}

#[tokio::test]
async fn an_attempt_that_begins_at_once_need_not_be_durable_before_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let store = on_a_disk_that_fails(&path);
    let job = job(Some(worker()));
    let id = job.id;
    store.submit(vec![], vec![job]).await.expect("it is answered");
    // It is on record all the same.
    let other = SqliteStore::open(&path).expect("the file is opened");
    assert!(other.job(id).await.expect("a job is found").is_some());
}

#[tokio::test]
async fn r22_an_attempt_that_is_never_repeated_is_durable_before_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let publisher = SqliteStore::open(&path).expect("the file is opened");
    publisher.submit(vec![], vec![job(None), job(None), job(None)]).await.expect("they are published");

    assert_eq!(claim(&on_a_disk_that_fails(&path), &[]).await.expect("it is answered"), 1);
    assert_eq!(claim(&on_a_disk_that_fails(&path), &["Others"]).await.expect("it is answered"), 1);
    let error = claim(&on_a_disk_that_fails(&path), &["Others", "Ring"]).await.expect_err("it waits");
    assert!(error.to_string().contains("the disk has failed to confirm a write"), "{error}");
}
