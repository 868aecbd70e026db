//! A store in memory that hands out jobs in another order finds out who relies on one (r26).

use std::collections::HashMap;
use std::sync::Arc;

use enact::clock::Timestamp;
use enact::store::{Claim, NewJob, Store};
use enact::{JobId, JobKind, Json, Key, MemoryStore, WorkerId};

const JOBS: usize = 20;

fn jobs(ids: &[JobId]) -> Vec<NewJob> {
    let payload = Json::of("ship").expect("JSON");
    ids.iter()
        .map(|id| NewJob::new(*id, JobKind::Command, "ship", payload.clone(), Timestamp::UNIX_EPOCH))
        .collect()
}

fn ids() -> Vec<JobId> {
    (0..JOBS).map(|_| uuid::Uuid::now_v7().to_string().parse().expect("a UUID")).collect()
}

/// The jobs that a store hands out, one after the other.
async fn handed_out(store: &MemoryStore, jobs: Vec<NewJob>) -> Vec<JobId> {
    store.submit(Vec::new(), jobs).await.expect("submit");
    let mut handed_out = Vec::new();
    loop {
        let claim = Claim {
            worker: WorkerId::from_text("w"),
            queues: Arc::new(HashMap::from([("ship".into(), 0)])),
            room: vec![1],
            now: Timestamp::UNIX_EPOCH,
        };
        match store.claim(claim).await.expect("claim").jobs.pop() {
            Some(job) => handed_out.push(job.id),
            None => return handed_out,
        }
    }
}

#[tokio::test]
async fn r26_the_seed_says_in_which_order_jobs_are_handed_out() {
    let ids = ids();
    let [first, again, other] = [
        handed_out(&MemoryStore::shuffled(7), jobs(&ids)).await,
        handed_out(&MemoryStore::shuffled(7), jobs(&ids)).await,
        handed_out(&MemoryStore::shuffled(8), jobs(&ids)).await,
    ];
    let mut sorted = first.clone();
    sorted.sort_unstable();

    assert_eq!(sorted, ids, "each is handed out once");
    assert_ne!(first, ids);
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_eq!(handed_out(&MemoryStore::new(), jobs(&ids)).await, ids);
}

#[tokio::test]
async fn r26_what_was_asked_to_be_first_is_first_in_a_shuffled_store() {
    let ids = ids();
    let mut jobs = jobs(&ids);
    for job in &mut jobs[JOBS / 2..] {
        job.priority = 1;
    }
    let handed_out = handed_out(&MemoryStore::shuffled(7), jobs).await;

    let mut urgent = handed_out[..JOBS / 2].to_vec();
    assert_ne!(urgent, ids[JOBS / 2..]);
    urgent.sort_unstable();
    assert_eq!(urgent, ids[JOBS / 2..]);
}

#[tokio::test]
async fn r26_a_lane_keeps_its_order_in_a_shuffled_store() {
    let ids = ids();
    let mut jobs = jobs(&ids);
    for job in &mut jobs {
        job.order_key = Some(Key::from_text("lane"));
    }

    assert_eq!(handed_out(&MemoryStore::shuffled(7), jobs).await, ids[..1]);
}
