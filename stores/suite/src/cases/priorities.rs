//! Priorities and queues: which ready jobs a claim returns, and in which order (r26).

use std::sync::Arc;

use enact::store::{Claim, Claimable, NewJob};
use enact::{JobId, JobState};

use crate::TestStore;
use crate::sample::{With, at, due, in_lane, job, jobs, key, worker};

fn urgent(priority: i32, name: &str) -> NewJob {
    job(name).with(|job| job.priority = priority)
}

/// Claims up to `room` jobs per queue and returns their ids by queue.
async fn claim_queues<const N: usize>(
    store: &TestStore,
    queues: &[(&str, usize)],
    room: [usize; N],
) -> [Vec<JobId>; N] {
    let claimable = |queue| Claimable { queue, entity: None };
    let names = queues.iter().map(|(name, queue)| ((*name).into(), claimable(*queue))).collect();
    let names = Arc::new(names);
    let claim =
        Claim { worker: worker("w"), names: Arc::clone(&names), room: room.into(), batch: 0, now: at(0) };
    let mut found = [(); N].map(|()| Vec::new());
    for job in store.claim(claim).await.expect("claim").jobs {
        found[names[&job.name].queue].push(job.id);
    }
    found
}

pub async fn r26_higher_priorities_are_claimed_first(store: TestStore) {
    let mut ids = Vec::new();
    for priority in [0, -1, i32::MAX, 1, i32::MIN, 2, 1] {
        ids.push((priority, store.publish(urgent(priority, "ship")).await));
    }
    ids.sort_by_key(|(priority, _)| -i64::from(*priority));
    let ids: Vec<JobId> = ids.into_iter().map(|(_, id)| id).collect();

    assert_eq!(store.claim_ids(&["ship"], 3, at(0)).await, ids[..3]);
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, ids[3..]);
}

pub async fn r26_equal_priorities_are_claimed_in_sequence_order_across_names(store: TestStore) {
    let mut ids = Vec::new();
    for name in ["b", "a", "c", "a", "b"] {
        ids.push(store.publish(urgent(7, name)).await);
    }

    assert_eq!(store.claim_ids(&["a", "b", "c"], 9, at(0)).await, ids);
}

pub async fn r26_priorities_are_compared_across_the_names_of_a_queue(store: TestStore) {
    let low = store.publish(urgent(1, "a")).await;
    let high = store.publish(urgent(2, "b")).await;
    let highest = store.publish(urgent(3, "a")).await;

    assert_eq!(store.claim_ids(&["a", "b"], 2, at(0)).await, [highest, high]);
    assert_eq!(store.claim_ids(&["a", "b"], 2, at(0)).await, [low]);
}

/// One name has most of the first jobs, and others have some between them.
pub async fn r26_jobs_of_many_names_are_claimed_in_one_order(store: TestStore) {
    let names: Vec<String> = (0..12).map(|name| format!("n{name:02}")).collect();
    let mut ids = Vec::new();
    for number in 0..120_usize {
        let name = if number % 3 == 0 { &names[number % 12] } else { &names[5] };
        let priority = i32::try_from(number / 7 % 3).expect("a small number");
        ids.push((priority, store.publish(urgent(priority, name)).await));
    }
    ids.sort_by_key(|(priority, _)| -priority);
    let ids: Vec<JobId> = ids.into_iter().map(|(_, id)| id).collect();

    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut claimed = Vec::new();
    for room in [1, 2, 5, 11, 12, 13, 30, 99] {
        let some = store.claim_ids(&names, room, at(0)).await;
        assert_eq!(some.len(), room.min(120 - claimed.len()), "of a claim with room for {room}");
        claimed.extend(some);
    }
    assert_eq!(claimed, ids);
}

pub async fn r26_a_priority_overrides_neither_a_lane_nor_a_due_time(store: TestStore) {
    let first = store.publish(in_lane("x", "ship")).await;
    let following = store.publish(in_lane("x", "ship").with(|job| job.priority = 9)).await;
    let later = store.publish(due(at(5), "ship").with(|job| job.priority = 9)).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [first]);
    assert_eq!([store.state(following).await, store.state(later).await], [JobState::Waiting; 2]);
}

pub async fn r26_a_job_keeps_its_priority_when_it_is_retried(store: TestStore) {
    let active = store.run(urgent(9, "ship")).await;
    store.accept(active.retries(at(5))).await;
    let other = store.publish(urgent(8, "ship")).await;
    assert_eq!(store.claim_ids(&["ship"], 1, at(5)).await, [active.job.id]);
    assert_eq!(store.claim_ids(&["ship"], 1, at(5)).await, [other]);

    let failed = store.failed(urgent(7, "ship")).await;
    let other = store.publish(job("ship")).await;
    store.retry_job(failed).await;
    assert_eq!(store.claim_ids(&["ship"], 2, at(5)).await, [failed, other]);
}

pub async fn a_claim_returns_at_most_the_room_of_each_queue(store: TestStore) {
    let mut ids: Vec<Vec<JobId>> = Vec::new();
    for name in ["mail", "ship", "bill"] {
        let jobs = jobs::<3>(name);
        ids.push(jobs.iter().map(|job| job.id).collect());
        store.publish_all(jobs.into()).await;
    }
    let queues = [("ship", 0), ("mail", 1), ("bill", 2)];
    let [ship, mail, bill] = claim_queues(&store, &queues, [1, 2, 0]).await;
    assert_eq!((&ship[..], &mail[..], &bill[..]), (&ids[1][..1], &ids[0][..2], &[][..]));

    // A full queue does not block the others.
    let [ship, mail, bill] = claim_queues(&store, &queues, [0, 9, 9]).await;
    assert_eq!((&ship[..], &mail[..], &bill[..]), (&[][..], &ids[0][2..], &ids[2][..]));
}

pub async fn the_names_of_one_queue_share_its_room(store: TestStore) {
    let mut ids = Vec::new();
    for name in ["a", "b", "a", "b", "c"] {
        ids.push(store.publish(job(name)).await);
    }
    let queues = [("a", 1), ("b", 1), ("c", 0)];
    let [c, ab] = claim_queues(&store, &queues, [9, 3]).await;

    assert_eq!((&c[..], &ab[..]), (&ids[4..], &ids[..3]));
}

pub async fn priorities_apply_within_a_queue(store: TestStore) {
    let urgent = [store.publish(urgent(9, "ship")).await, store.publish(urgent(9, "ship")).await];
    let plain = store.publish(job("mail")).await;
    let [ship, mail] = claim_queues(&store, &[("ship", 0), ("mail", 1)], [1, 1]).await;

    assert_eq!((&ship[..], &mail[..]), (&urgent[..1], &[plain][..]));
}

pub async fn a_lane_orders_jobs_across_queues(store: TestStore) {
    store.publish(in_lane("x", "mail")).await;
    let following = store.publish(job("ship").with(|job| job.order_key = Some(key("x")))).await;
    let [mail, ship] = claim_queues(&store, &[("mail", 0), ("ship", 1)], [0, 9]).await;

    assert_eq!((mail, ship), (Vec::new(), Vec::new()));
    assert_eq!(store.state(following).await, JobState::Waiting);
}
