//! Lanes of waiting jobs.

mod common;

use std::error::Error;

use enact::store::Store;
use enact::{Failure, FailureKind, JobState};
use enact_sqlite::SqliteStore;
use tempfile::tempdir;

use common::{after, claim, in_lane, second, started, success, worker};

#[tokio::test]
async fn r26_cancelling_a_job_in_the_tail_of_a_lane_does_not_change_the_head() -> Result<(), Box<dyn Error>> {
    let directory = tempdir()?;
    let store = SqliteStore::open(directory.path().join("bank.db"))?;
    let worker = worker("w");
    let predecessor = started("withdraw", &worker);
    let first = after(predecessor.id, in_lane("a-1"));
    let (second_one, third) = (in_lane("a-1"), in_lane("a-1"));
    let jobs = vec![predecessor.clone(), first.clone(), second_one.clone(), third.clone()];
    store.submit(Vec::new(), jobs).await?;

    let failure = Failure::new(FailureKind::Cancelled, "cancelled", "cancelled");
    store.cancel(vec![second_one.id], failure, second(1)).await?;
    for job in [&first, &third] {
        assert_eq!(store.job(job.id).await?.map(|job| job.state), Some(JobState::Waiting));
    }

    store.commit(success(&predecessor, &worker, "a-1")).await?;
    for job in [&first, &third] {
        let claimed = claim(&store, &worker, 9).await.jobs;
        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [job.id]);
        store.commit(success(job, &worker, &format!("{}", job.id))).await?;
    }
    Ok(())
}
