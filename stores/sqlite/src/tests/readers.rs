//! What waits for what.

use std::error::Error;
use std::sync::mpsc;

use enact::store::{Cursor, EntityKey, JobQuery, NewEvent, NewJob, Prune, Store};
use enact::{CorrelationId, EventId, JobId, JobKind, Json, Key, WorkerId};
use futures_util::future::FutureExt;
use futures_util::poll;
use jiff::Timestamp;
use tempfile::tempdir;

use crate::queries::MAX_PRUNED;
use crate::{SqliteStore, Synchronous};

type Outcome = Result<(), Box<dyn Error>>;

fn id(number: usize) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

fn job(number: usize) -> Result<NewJob, Box<dyn Error>> {
    let id: JobId = id(number).parse()?;
    Ok(NewJob::new(id, JobKind::Command, "ship", Json::from_text("{}"), Timestamp::UNIX_EPOCH))
}

#[tokio::test]
async fn a_long_listing_delays_no_other_read_and_no_write() -> Outcome {
    let folder = tempdir()?;
    let store = SqliteStore::open(folder.path().join("bank.db"))?;
    let (end, ended) = mpsc::channel::<()>();
    let long = store.readers.lists.read(move |_| {
        // Until the test ends.
        let _ = ended.recv();
        Ok(())
    });
    let mut long = std::pin::pin!(long);
    assert!(poll!(long.as_mut()).is_pending());
    let listing = JobQuery::new();
    let mut listing = store.jobs(&listing);
    assert!(poll!(listing.as_mut()).is_pending());

    let job = job(1)?;
    store.submit(vec![], vec![job.clone()]).await?;
    assert!(store.job(job.id).await?.is_some());
    assert_eq!(store.states(vec![job.id]).await?.len(), 1);
    store.attempts(job.id).await?;
    store.count_live().await?;
    store.leases().await?;
    store.running(&WorkerId::from_text("w"), 1).await?;
    store.last_tick("nightly").await?;
    store.events(&Cursor::START, 1).await?;
    let account = EntityKey { entity: "account", id: Key::from_text("a-1") };
    store.load(&account).await?;
    store.entity(&account).await?;

    assert!(listing.as_mut().now_or_never().is_none(), "a listing waits for the one before");
    drop(end);
    long.await?;
    Ok(())
}

#[tokio::test]
async fn a_prune_deletes_few_jobs_and_events_in_each_transaction() -> Outcome {
    const COUNT: usize = 2 * MAX_PRUNED + 1;
    let folder = tempdir()?;
    let path = folder.path().join("bank.db");
    let store = SqliteStore::builder(path).synchronous(Synchronous::Normal).open()?;
    let jobs = (0..COUNT).map(job).collect::<Result<Vec<_>, _>>()?;
    let event = |number| -> Result<NewEvent, Box<dyn Error>> {
        let id: EventId = id(number).parse()?;
        Ok(NewEvent {
            id,
            name: "shipped".into(),
            payload: Json::from_text("{}"),
            correlation: CorrelationId::new("m"),
            cause: None,
            emitted_at: Timestamp::UNIX_EPOCH,
        })
    };
    let events = (0..COUNT).map(event).collect::<Result<Vec<_>, _>>()?;
    let ids = jobs.iter().map(|job| job.id).collect();
    store.submit(events, jobs).await?;
    let cancelled = enact::Failure::new(enact::FailureKind::Cancelled, "cancelled", "cancelled");
    store.cancel(ids, cancelled, Timestamp::UNIX_EPOCH).await?;

    let now = Timestamp::from_second(100)?;
    let before = Some(now);
    let prune = Prune {
        succeeded_before: before,
        failed_before: before,
        cancelled_before: before,
        now,
        after: None,
        limit: 1000,
    };
    let first = store.cache.transaction();
    assert_eq!(store.prune(prune).await?.deleted, COUNT as u64);
    assert_eq!(store.cache.transaction() - first, 3);
    let first = store.cache.transaction();
    assert_eq!(store.prune_events(now, now, 1000).await?, COUNT as u64);
    assert_eq!(store.cache.transaction() - first, 3);
    Ok(())
}
