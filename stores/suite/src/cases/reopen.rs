//! What a call returned `Ok` for is there after the store is reopened.

use enact::store::{Commit, Cursor, EntityWrite, JobQuery, NewJob, NewTick, Submitted, Ticked};
use enact::{JobState, WorkerId};

use super::prune::all_ended;
use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{
    With, account, after, at, due, event, in_lane, job, json, lease, order, under_key, worker, write, written,
};

/// Stores jobs in every state, with entities and events.
async fn fill(store: &TestStore) {
    let succeeded = store.run(job("succeed")).await;
    store
        .accept(Commit {
            write: Some(write(account("a"), 0)),
            events: vec![event("a"), event("b")],
            jobs: vec![job("staged"), in_lane("x", "staged"), in_lane("x", "staged")],
            ..succeeded.succeeds()
        })
        .await;
    let failed = store.run(job("fail")).await;
    store.accept(Commit { write: Some(write(order("1"), 0)), ..failed.fails() }).await;
    let retried = store.run(job("retry")).await;
    store.accept(retried.retries(at(50))).await;
    store.run(job("run")).await;
    store.execute(job("execute"), &worker("v")).await;
    let predecessor = store.publish(due(at(60), "predecessor")).await;
    store
        .publish(after([predecessor], "after").with(|job| {
            job.priority = 7;
            job.deadline = Some(at(70));
        }))
        .await;
    let cancelled = store.publish(job("cancelled")).await;
    store.must_cancel(cancelled).await;
    let again = store.failed(job("again")).await;
    store.retry_job(again).await;
    store.submit(vec![event("c")], vec![under_key("k", "pay", json(5))]).await.expect("submit");
}

pub async fn all_records_survive_a_restart(store: TestStore) {
    fill(&store).await;
    let before = store.snapshot().await;
    assert_eq!((before.jobs.len(), before.events.len()), (13, 3));

    let store = store.reopened();
    assert_eq!(store.snapshot().await, before);
    assert_eq!(store.reopened().snapshot().await, before);
}

pub async fn r01_a_job_that_was_running_is_still_running_after_a_restart(store: TestStore) {
    store.lease("w", 3).await;
    let active = store.run(job("ship")).await;

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);
    assert_eq!(store.all_leases().await, [lease("w", 3)], "the lease is remembered");
    assert_eq!(store.running_ids("w", 9).await, [active.job.id]);
    store.accept(active.is_rescued(3)).await;
}

pub async fn r23_leases_survive_a_restart(store: TestStore) {
    store.lease("w", 3).await;
    let active = store.run(job("ship")).await;

    let store = store.reopened();
    store.fence(active.is_rescued(2)).await;
    store.accept(active.succeeds()).await;
}

pub async fn r22_pending_retries_survive_a_restart(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.accept(active.retries(at(50))).await;

    let store = store.reopened();
    let early = store.claim_by(&worker("v"), &["ship"], 9, at(49)).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, Some(at(50))));
    let again = store.claim_one(&worker("v"), "ship", at(50)).await;
    assert_eq!((again.job.id, again.job.attempts), (active.job.id, 2));
}

pub async fn r26_lanes_survive_a_restart(store: TestStore) {
    let first = store.publish(in_lane("x", "ship")).await;
    let second = store.publish(in_lane("x", "ship")).await;
    let active = store.claim_one(&worker("w"), "ship", at(0)).await;

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, []);
    let third = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.state(third).await, JobState::Waiting);
    assert_eq!(active.job.id, first);
    store.accept(active.succeeds()).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [second]);
}

pub async fn r25_idempotency_keys_survive_a_restart(store: TestStore) {
    let first = store.publish(under_key("k", "pay", json(5))).await;

    let store = store.reopened();
    let again = vec![under_key("k", "pay", json(5)), under_key("k", "pay", json(6))];
    assert_eq!(store.publish_all(again).await, [Submitted::Existing(first), Submitted::Mismatch(first)]);
}

pub async fn r24_a_freed_idempotency_key_survives_a_restart(store: TestStore) {
    let first = store.publish(under_key("k", "pay", json(5))).await;
    store.must_cancel(first).await;

    let store = store.reopened();
    let second = store.publish(under_key("k", "pay", json(6))).await;
    let store = store.reopened();
    let again = vec![under_key("k", "pay", json(5)), under_key("k", "pay", json(6))];
    assert_eq!(store.publish_all(again).await, [Submitted::Mismatch(second), Submitted::Existing(second)]);
}

pub async fn r18_cursors_and_page_tokens_survive_a_restart(store: TestStore) {
    fill(&store).await;
    let cursor = store.all_events().await.pop().map_or(Cursor::START, |event| event.cursor);
    let query = JobQuery::new().limit(5);
    let page = store.page(&query).await;
    let rest: Vec<_> = store.all_ids().await[5..].to_vec();

    let store = store.reopened();
    let added = job("later").with(|job| job.created_at = at(0));
    let (later, emitted) = (added.id, event("later"));
    let emitted_id = emitted.id;
    store.submit(vec![emitted], vec![added]).await.expect("submit");

    let following: Vec<_> = store.events_after(&cursor).await.into_iter().map(|event| event.id).collect();
    assert_eq!(following, [emitted_id]);
    let onward = store.page(&query.page(page.next).limit(99)).await;
    let onward: Vec<_> = onward.jobs.into_iter().map(|job| job.id).collect();
    assert_eq!(onward, [rest, vec![later]].concat());
}

pub async fn r18_a_refused_commit_before_a_restart_leaves_cursors_unique(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.submit(vec![event("a")], Vec::new()).await.expect("submit");
    let last = store.all_events().await.remove(0).cursor;
    store
        .refuse(Commit { write: Some(write(account("a"), 9)), events: vec![event("b")], ..active.succeeds() })
        .await;

    let store = store.reopened();
    store.accept(Commit { events: vec![event("c")], ..active.succeeds() }).await;
    let following = store.events_after(&last).await;
    assert_eq!(following.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["c"]);
}

pub async fn another_handle_reads_what_was_written(store: TestStore) {
    fill(&store).await;
    let other = TestStore::sharing(&store);
    assert_eq!(other.snapshot().await, store.snapshot().await);

    let id = other.publish(job("ship")).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [id]);
    assert_eq!(other.claim_ids(&["ship"], 9, at(0)).await, []);
}

pub async fn r17_an_execution_loads_what_was_committed_before_it_started(store: TestStore) {
    let other = TestStore::sharing(&store);
    let (here, there) = (worker("here"), worker("there"));
    let mut versions = 0..;
    let mut write_by = async |subject: &TestStore, worker: &WorkerId| {
        let active = subject.execute(job("ship"), worker).await;
        let write = write(account("a"), versions.next().expect("an endless range"));
        subject.accept(Commit { write: Some(write), ..active.succeeds() }).await;
    };

    // Each handle has written before and may have cached its version.
    write_by(&store, &here).await;
    write_by(&other, &there).await;
    store.execute(job("ship"), &here).await;
    assert_eq!(store.load(&account("a")).await.expect("load"), Some(written(2)), "executed");

    write_by(&store, &here).await;
    write_by(&other, &there).await;
    store.run(job("pack")).await;
    assert_eq!(store.load(&account("a")).await.expect("load"), Some(written(4)), "claimed");

    write_by(&store, &here).await;
    write_by(&other, &there).await;
    let found = store.handle().entity(&account("a")).await.expect("entity");
    assert_eq!(found, Some(written(6)), "a read outside an execution");
}

pub async fn r17_a_large_entity_is_loaded_as_committed(store: TestStore) {
    let sizes = [1, 20 * 1024 * 1024, 1];
    for (version, size) in (0..).zip(sizes) {
        let body = json("x".repeat(size));
        let active = store.run(job("ship")).await;
        let write = EntityWrite { body: body.clone(), ..write(account("a"), version) };
        store.accept(Commit { write: Some(write), ..active.succeeds() }).await;
        let loaded = store.load(&account("a")).await.expect("load").expect("it was written");
        assert!(loaded.version == version + 1 && loaded.body == body, "version {}", loaded.version);
    }
}

pub async fn r26_predecessors_survive_a_restart(store: TestStore) {
    let active = store.run(job("first")).await;
    let second = store.publish(after([active.job.id], "second")).await;
    let cancelled = store.publish(job("other")).await;
    let third = store.publish(after([cancelled], "third")).await;

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["second", "third"], 9, at(99)).await, []);
    store.accept(active.succeeds()).await;
    assert_eq!(store.state(second).await, JobState::Ready);
    store.must_cancel(cancelled).await;
    assert_eq!(store.state(third).await, JobState::Cancelled);
}

pub async fn r26_the_head_of_a_lane_survives_a_restart(store: TestStore) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    store.retry_job(failed).await;
    store.accept(next.retries(at(5))).await;

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [next.job.id]);
    store
        .accept(RunningAttempt { job: store.find(next.job.id).await, started_at: at(5), ..next }.succeeds())
        .await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [failed]);
}

pub async fn queued_counts_survive_a_restart(store: TestStore) {
    store.publish_all(vec![job("ship"), in_lane("x", "ship"), in_lane("x", "ship")]).await;
    store.succeeded(job("bill")).await;

    let store = store.reopened();
    let limited = |name| NewJob { max_queued: Some(3), ..job(name) };
    let results = store.publish_all(vec![limited("ship"), limited("bill")]).await;
    assert_eq!(results, [Submitted::Full(3), Submitted::New]);
}

pub async fn the_last_tick_survives_a_restart(store: TestStore) {
    let tick = |last, at| NewTick {
        schedule: "nightly".into(),
        aliases: &[],
        last,
        at,
        unless_running: false,
        jobs: Vec::new(),
    };
    store.tick(tick(None, at(1))).await.expect("tick");

    let store = store.reopened();
    assert_eq!(store.tick(tick(None, at(2))).await.expect("tick"), Ticked::Stale(Some(at(1))));
    assert_eq!(store.tick(tick(Some(at(1)), at(2))).await.expect("tick"), Ticked::Done(Vec::new()));
}

pub async fn sequence_numbers_are_not_reused_after_pruning_and_a_restart(store: TestStore) {
    store.publish_all(vec![job("ship"), job("ship"), job("ship")]).await;
    store.submit(vec![event("a"), event("b")], Vec::new()).await.expect("submit");
    let cursor = store.all_events().await.remove(1).cursor;
    let query = JobQuery::new().limit(2);
    let next = store.page(&query).await.next;
    for id in store.all_ids().await {
        store.must_cancel(id).await;
    }
    assert_eq!(store.prune_all(all_ended()).await, 3);
    assert_eq!(store.prune_events(at(99), at(99), 9).await.expect("prune_events"), 2);

    let store = store.reopened();
    let later = job("later");
    let later_id = later.id;
    store.submit(vec![event("c")], vec![later]).await.expect("submit");
    let following = store.events_after(&cursor).await;
    assert_eq!(following.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["c"]);
    let onward = store.page(&query.page(next)).await.jobs;
    assert_eq!(onward.iter().map(|job| job.id).collect::<Vec<_>>(), [later_id]);
}
