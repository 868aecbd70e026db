//! What has returned `Ok` is there when the store is opened again.

use enact::store::{Commit, Cursor, EntityWrite, JobQuery, NewJob, NewTick, Submitted, Ticked};
use enact::{JobState, WorkerId};

use super::Subject;
use super::prune::everything;
use super::sample::{
    account, after, at, due, event, in_lane, job, json, lease, order, under_key, worker, write, written,
};
use super::taken::Taken;

/// Jobs in every state that the store can bring about, with entities and events.
async fn fill(store: &Subject) {
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
    store.publish(NewJob { priority: 7, deadline: Some(at(70)), ..after([predecessor], "after") }).await;
    let cancelled = store.publish(job("cancelled")).await;
    store.called_off(cancelled).await;
    let again = store.failed(job("again")).await;
    store.run_again(again).await;
    store.submit(vec![event("c")], vec![under_key("k", "pay", json(5))]).await.expect("submit");
}

pub async fn everything_is_there_when_the_store_is_opened_again(store: Subject) {
    fill(&store).await;
    let before = store.everything().await;
    assert_eq!((before.jobs.len(), before.events.len()), (13, 3));

    let store = store.reopened();
    assert_eq!(store.everything().await, before);
    assert_eq!(store.reopened().everything().await, before);
}

pub async fn r01_a_job_that_ran_when_the_program_ended_leaves_a_trace(store: Subject) {
    store.lease("w", 3).await;
    let taken = store.run(job("ship")).await;

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);
    assert_eq!(store.all_leases().await, [lease("w", 3)], "the lease is remembered");
    assert_eq!(store.running_ids("w", 9).await, [taken.job.id]);
    store.accept(taken.is_lost(3)).await;
}

pub async fn r23_a_lease_outlives_the_store(store: Subject) {
    store.lease("w", 3).await;
    let taken = store.run(job("ship")).await;

    let store = store.reopened();
    store.fence(taken.is_lost(2)).await;
    store.accept(taken.succeeds()).await;
}

pub async fn r22_pending_retries_survive_a_restart(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.accept(taken.retries(at(50))).await;

    let store = store.reopened();
    let early = store.claim_by(&worker("v"), &["ship"], 9, at(49)).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, Some(at(50))));
    let again = store.take(&worker("v"), "ship", at(50)).await;
    assert_eq!((again.job.id, again.job.attempts), (taken.job.id, 2));
}

pub async fn r26_lanes_go_on_after_a_restart(store: Subject) {
    let first = store.publish(in_lane("x", "ship")).await;
    let second = store.publish(in_lane("x", "ship")).await;
    let taken = store.take(&worker("w"), "ship", at(0)).await;

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, []);
    let third = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.state(third).await, JobState::Waiting);
    assert_eq!(taken.job.id, first);
    store.accept(taken.succeeds()).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [second]);
}

pub async fn r25_keys_are_remembered_after_a_restart(store: Subject) {
    let first = store.publish(under_key("k", "pay", json(5))).await;

    let store = store.reopened();
    let again = vec![under_key("k", "pay", json(5)), under_key("k", "pay", json(6))];
    assert_eq!(store.publish_all(again).await, [Submitted::Existing(first), Submitted::Mismatch(first)]);
}

pub async fn r18_places_go_on_after_a_restart(store: Subject) {
    fill(&store).await;
    let cursor = store.all_events().await.last().map_or(Cursor::START, |event| event.cursor);
    let query = JobQuery { limit: 5, ..JobQuery::default() };
    let page = store.page(&query).await;
    let rest: Vec<_> = store.all_ids().await[5..].to_vec();

    let store = store.reopened();
    let added = NewJob { created_at: at(0), ..job("later") };
    let (later, emitted) = (added.id, event("later"));
    let emitted_id = emitted.id;
    store.submit(vec![emitted], vec![added]).await.expect("submit");

    let behind: Vec<_> = store.events_behind(cursor).await.into_iter().map(|event| event.id).collect();
    assert_eq!(behind, [emitted_id]);
    let onward = store.page(&JobQuery { after: page.next, limit: 99, ..query }).await;
    let onward: Vec<_> = onward.jobs.into_iter().map(|job| job.id).collect();
    assert_eq!(onward, [rest, vec![later]].concat());
}

pub async fn r18_cursors_are_not_given_twice_when_the_last_commit_was_refused(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.submit(vec![event("a")], Vec::new()).await.expect("submit");
    let last = store.all_events().await[0].cursor;
    store
        .refuse(Commit { write: Some(write(account("a"), 9)), events: vec![event("b")], ..taken.succeeds() })
        .await;

    let store = store.reopened();
    store.accept(Commit { events: vec![event("c")], ..taken.succeeds() }).await;
    let behind = store.events_behind(last).await;
    assert_eq!(behind.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["c"]);
}

pub async fn what_one_handle_has_written_another_reads(store: Subject) {
    fill(&store).await;
    let other = Subject::sharing(&store);
    assert_eq!(other.everything().await, store.everything().await);

    let id = other.publish(job("ship")).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [id]);
    assert_eq!(other.claim_ids(&["ship"], 9, at(0)).await, []);
}

pub async fn r17_an_execution_loads_what_others_had_committed_when_it_began(store: Subject) {
    let other = Subject::sharing(&store);
    let (here, there) = (worker("here"), worker("there"));
    let mut versions = 0..;
    let mut write_by = async |subject: &Subject, worker: &WorkerId| {
        let taken = subject.execute(job("ship"), worker).await;
        let write = write(account("a"), versions.next().expect("there is no end of them"));
        subject.accept(Commit { write: Some(write), ..taken.succeeds() }).await;
    };

    // Each has written before, and may remember that.
    write_by(&store, &here).await;
    write_by(&other, &there).await;
    store.execute(job("ship"), &here).await;
    assert_eq!(store.load(&account("a")).await.expect("load"), Some(written(2)), "begun at once");

    write_by(&store, &here).await;
    write_by(&other, &there).await;
    store.run(job("pack")).await;
    assert_eq!(store.load(&account("a")).await.expect("load"), Some(written(4)), "claimed");

    write_by(&store, &here).await;
    write_by(&other, &there).await;
    let found = store.handle().entity(&account("a")).await.expect("entity");
    assert_eq!(found, Some(written(6)), "whoever only looks has begun nothing");
}

pub async fn r17_an_entity_of_many_megabytes_is_loaded_as_committed(store: Subject) {
    let sizes = [1, 20 * 1024 * 1024, 1];
    for (version, size) in (0..).zip(sizes) {
        let body = json("x".repeat(size));
        let taken = store.run(job("ship")).await;
        let write = EntityWrite { body: body.clone(), ..write(account("a"), version) };
        store.accept(Commit { write: Some(write), ..taken.succeeds() }).await;
        let loaded = store.load(&account("a")).await.expect("load").expect("it was written");
        assert!(loaded.version == version + 1 && loaded.body == body, "version {}", loaded.version);
    }
}

pub async fn r26_predecessors_are_remembered_after_a_restart(store: Subject) {
    let taken = store.run(job("first")).await;
    let second = store.publish(after([taken.job.id], "second")).await;
    let called_off = store.publish(job("other")).await;
    let third = store.publish(after([called_off], "third")).await;

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["second", "third"], 9, at(99)).await, []);
    store.accept(taken.succeeds()).await;
    assert_eq!(store.state(second).await, JobState::Ready);
    store.called_off(called_off).await;
    assert_eq!(store.state(third).await, JobState::Cancelled);
}

pub async fn r26_whose_turn_it_is_is_remembered_after_a_restart(store: Subject) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    store.run_again(failed).await;
    store.accept(next.retries(at(5))).await;

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [next.job.id]);
    store.accept(Taken { job: store.find(next.job.id).await, started_at: at(5), ..next }.succeeds()).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [failed]);
}

pub async fn how_many_are_queued_is_remembered_after_a_restart(store: Subject) {
    store.publish_all(vec![job("ship"), in_lane("x", "ship"), in_lane("x", "ship")]).await;
    store.succeeded(job("bill")).await;

    let store = store.reopened();
    let limited = |name| NewJob { max_queued: Some(3), ..job(name) };
    let answers = store.publish_all(vec![limited("ship"), limited("bill")]).await;
    assert_eq!(answers, [Submitted::Full(3), Submitted::New]);
}

pub async fn the_last_tick_is_remembered_after_a_restart(store: Subject) {
    let tick = |last, at| NewTick { schedule: "nightly".into(), last, at, jobs: Vec::new() };
    store.tick(tick(None, at(1))).await.expect("tick");

    let store = store.reopened();
    assert_eq!(store.tick(tick(None, at(2))).await.expect("tick"), Ticked::Stale(Some(at(1))));
    assert_eq!(store.tick(tick(Some(at(1)), at(2))).await.expect("tick"), Ticked::Done(Vec::new()));
}

pub async fn places_that_were_given_are_remembered_when_all_is_deleted(store: Subject) {
    store.publish_all(vec![job("ship"), job("ship"), job("ship")]).await;
    store.submit(vec![event("a"), event("b")], Vec::new()).await.expect("submit");
    let cursor = store.all_events().await[1].cursor;
    let query = JobQuery { limit: 2, ..JobQuery::default() };
    let next = store.page(&query).await.next;
    for id in store.all_ids().await {
        store.called_off(id).await;
    }
    assert_eq!(store.prune_all(everything()).await, 3);
    assert_eq!(store.prune_events(at(99), at(99), 9).await.expect("prune_events"), 2);

    let store = store.reopened();
    let later = job("later");
    let later_id = later.id;
    store.submit(vec![event("c")], vec![later]).await.expect("submit");
    let behind = store.events_behind(cursor).await;
    assert_eq!(behind.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["c"]);
    let onward = store.page(&JobQuery { after: next, ..query }).await.jobs;
    assert_eq!(onward.iter().map(|job| job.id).collect::<Vec<_>>(), [later_id]);
}
