//! A shuffled in-memory store returns ready jobs in an order of its seed, which reveals code that relies on an order (r26).

use std::collections::HashMap;
use std::sync::Arc;

use enact::clock::Timestamp;
use enact::store::{Claim, Claimable, NewJob, Store};
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

/// Claims jobs one at a time until there is none.
async fn claimed(store: &MemoryStore, jobs: Vec<NewJob>) -> Vec<JobId> {
    store.submit(Vec::new(), jobs).await.expect("submit");
    let mut claimed = Vec::new();
    loop {
        let claim = Claim {
            worker: WorkerId::from_text("w"),
            names: Arc::new(HashMap::from([("ship".into(), Claimable { queue: 0, entity: None })])),
            room: vec![1],
            batch: 0,
            now: Timestamp::UNIX_EPOCH,
        };
        match store.claim(claim).await.expect("claim").jobs.pop() {
            Some(job) => claimed.push(job.id),
            None => return claimed,
        }
    }
}

#[tokio::test]
async fn r26_the_seed_determines_the_order_of_claims() {
    let ids = ids();
    let [first, again, other] = [
        claimed(&MemoryStore::shuffled(7), jobs(&ids)).await,
        claimed(&MemoryStore::shuffled(7), jobs(&ids)).await,
        claimed(&MemoryStore::shuffled(8), jobs(&ids)).await,
    ];
    let mut sorted = first.clone();
    sorted.sort_unstable();

    assert_eq!(sorted, ids, "each job is claimed once");
    assert_ne!(first, ids);
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_eq!(claimed(&MemoryStore::new(), jobs(&ids)).await, ids);
}

#[tokio::test]
async fn r26_a_shuffled_store_keeps_priorities() {
    let ids = ids();
    let mut jobs = jobs(&ids);
    for job in &mut jobs[JOBS / 2..] {
        job.priority = 1;
    }
    let claimed = claimed(&MemoryStore::shuffled(7), jobs).await;

    let mut urgent = claimed[..JOBS / 2].to_vec();
    assert_ne!(urgent, ids[JOBS / 2..]);
    urgent.sort_unstable();
    assert_eq!(urgent, ids[JOBS / 2..]);
}

#[tokio::test]
async fn r26_a_shuffled_store_keeps_the_order_of_a_lane() {
    let ids = ids();
    let mut jobs = jobs(&ids);
    for job in &mut jobs {
        job.order_key = Some(Key::from_text("lane"));
    }

    assert_eq!(claimed(&MemoryStore::shuffled(7), jobs).await, ids[..1]);
}
