//! Pruning: deleting ended jobs and old events.

use enact::JobId;
use enact::JobState;
use enact::store::{Changed, Commit, Cursor, JobQuery, NewEvent, Prune, Submitted};

use crate::TestStore;
use crate::sample::{
    MICROSECOND, With, account, after, at, due, event, in_lane, job, jobs, json, under_key, worker, write,
    written,
};

/// Prunes every ended job.
pub(crate) fn all_ended() -> Prune {
    let end = Some(at(1_000_000));
    Prune { succeeded_before: end, failed_before: end, cancelled_before: end, ..nothing() }
}

fn nothing() -> Prune {
    Prune {
        succeeded_before: None,
        failed_before: None,
        cancelled_before: None,
        now: at(1_000_000),
        after: None,
        limit: 100,
    }
}

/// A job that succeeds at this second.
async fn succeeded_at(store: &TestStore, second: i64) -> JobId {
    let active = store.run(job("ship")).await;
    let attempt = active.ended().with(|attempt| attempt.ended_at = Some(at(second)));
    store.accept(Commit { attempt, ..active.succeeds() }).await;
    active.job.id
}

pub async fn jobs_are_pruned_by_their_state(store: TestStore) {
    let succeeded = store.succeeded(job("a")).await;
    store.failed(job("b")).await;
    let cancelled = store.publish(job("c")).await;
    store.must_cancel(cancelled).await;
    let end = Some(at(99));
    let prunes = [
        (Prune { failed_before: end, ..nothing() }, vec![succeeded, cancelled]),
        (Prune { cancelled_before: end, ..nothing() }, vec![succeeded]),
        (Prune { succeeded_before: end, ..nothing() }, vec![]),
    ];
    for (prune, left) in prunes {
        assert_eq!(store.prune_all(prune).await, 1);
        assert_eq!(store.all_ids().await, left);
    }
}

pub async fn jobs_that_ended_before_the_time_are_pruned(store: TestStore) {
    let [first, second, third] =
        [succeeded_at(&store, 10).await, succeeded_at(&store, 20).await, succeeded_at(&store, 15).await];
    for (before, left) in [
        (at(10), vec![first, second, third]),
        (at(10) + MICROSECOND, vec![second, third]),
        (at(20), vec![second]),
        (at(21), vec![]),
    ] {
        store.prune_all(Prune { succeeded_before: Some(before), ..nothing() }).await;
        assert_eq!(store.all_ids().await, left, "before {before}");
    }
}

/// A job created at this second and cancelled at second 9.
async fn created_at(store: &TestStore, second: i64) -> JobId {
    let id = store.publish(job("ship").with(|job| job.created_at = at(second))).await;
    store.must_cancel(id).await;
    id
}

pub async fn pruning_stops_at_a_recent_job_and_skips_jobs_dated_after_now(store: TestStore) {
    let mut ids = Vec::new();
    for second in [1, 60, 31, 2, 60, 3, 30, 4, 20, 5] {
        ids.push(store.publish(job("ship").with(|job| job.created_at = at(second))).await);
    }
    // The jobs at 60 and 31 are dated by a fast clock and have not ended; neither have those at 2 and 4.
    for index in [0, 4, 5, 6, 8, 9] {
        store.must_cancel(ids[index]).await;
    }
    let prune = Prune { cancelled_before: Some(at(20)), now: at(30), limit: 2, ..nothing() };
    assert_eq!(store.prune_all(prune.clone()).await, 3, "stops at the one at 30");
    let left = [1, 2, 3, 6, 7, 8, 9].map(|index: usize| ids[index]);
    assert_eq!(store.all_ids().await, left);
    assert_eq!(store.prune_all(Prune { now: at(29), ..prune.clone() }).await, 1, "stops at the one at 20");
    assert_eq!(store.prune_all(Prune { now: at(19), ..prune }).await, 2, "reaches the end");
    assert_eq!(store.all_ids().await, [1, 2, 3, 7].map(|index: usize| ids[index]));
}

pub async fn a_page_may_end_at_a_job_dated_after_now(store: TestStore) {
    let ahead = created_at(&store, 60).await;
    let old = created_at(&store, 1).await;
    let prune = Prune { failed_before: Some(at(20)), now: at(30), limit: 1, ..nothing() };
    let first = store.prune(prune.clone()).await.expect("prune");
    assert_eq!((first.deleted, first.next.is_some()), (0, true));
    let all = Prune { cancelled_before: Some(at(9)), after: first.next, ..prune };
    assert_eq!(store.prune_all(all.clone()).await, 0, "they ended at second 9");
    assert_eq!(store.prune_all(Prune { cancelled_before: Some(at(10)), ..all }).await, 1);

    assert_eq!(store.all_ids().await, [ahead]);
    assert_eq!(store.job(old).await.expect("job"), None);
}

pub async fn pruning_without_a_state_deletes_nothing(store: TestStore) {
    store.succeeded(job("a")).await;
    let before = store.snapshot().await;

    assert_eq!(store.prune_all(nothing()).await, 0);
    assert_eq!(store.snapshot().await, before);
}

pub async fn a_job_that_has_not_ended_is_never_pruned(store: TestStore) {
    let active = store.run(in_lane("x", "running")).await;
    store.publish(in_lane("x", "following")).await;
    store.publish(due(at(50), "due")).await;
    store.publish(job("ready")).await;
    let retried = store.failed(job("again")).await;
    store.retry_job(retried).await;
    let before = store.snapshot().await;

    assert_eq!(store.prune_all(all_ended()).await, 0);
    assert_eq!(store.snapshot().await, before);
    store.accept(active.succeeds()).await;
}

pub async fn a_pruned_job_leaves_only_its_effects(store: TestStore) {
    let active = store.run(under_key("k", "pay", json(5))).await;
    let (write, events) = (Some(write(account("a"), 0)), vec![event("paid")]);
    store.accept(Commit { write, events, ..active.succeeds() }).await;
    assert_eq!(store.prune_all(all_ended()).await, 1);
    let id = active.job.id;

    assert_eq!(store.job(id).await.expect("job"), None);
    assert_eq!(store.attempts_of(id).await, []);
    assert_eq!(store.counts().await, []);
    assert_eq!(store.cancel_job(id).await, Changed::Missing);
    assert_eq!(store.retry_job(id).await, Changed::Missing);
    store.fence(active.succeeds()).await;
    let following = store.publish_all(vec![after([id], "following")]).await;
    assert_eq!(following, [Submitted::NoPredecessor(id)]);
    assert_eq!(store.entity(&account("a")).await, Some(written(1)));
    assert_eq!(store.all_events().await.len(), 1);
}

pub async fn r25_pruning_a_job_frees_its_key(store: TestStore) {
    let first = store.succeeded(under_key("k", "pay", json(5))).await;
    let again = || vec![under_key("k", "pay", json(6))];
    assert_eq!(store.publish_all(again()).await, [Submitted::Mismatch(first)]);
    store.prune_all(all_ended()).await;

    assert_eq!(store.publish_all(again()).await, [Submitted::New]);
    assert_eq!(store.prune_all(all_ended()).await, 0);
    assert!(
        matches!(store.publish_all(again()).await[..], [Submitted::Existing(_)]),
        "the key is in use again"
    );
}

pub async fn r26_a_predecessor_that_is_waited_for_is_not_pruned(store: TestStore) {
    let failed = store.failed(job("first")).await;
    let waiting = store.publish(after([failed], "second")).await;
    assert_eq!(store.prune_all(all_ended()).await, 0);
    store.retry_job(failed).await;
    let again = store.claim_one(&worker("w"), "first", at(0)).await;
    store.accept(again.fails()).await;
    assert_eq!(store.prune_all(all_ended()).await, 0);

    store.must_cancel(waiting).await;
    assert_eq!(store.prune_all(all_ended()).await, 2, "no job waits for it");
}

pub async fn r26_a_succeeded_predecessor_is_pruned(store: TestStore) {
    let done = store.succeeded(job("first")).await;
    let second = store.publish(after([done], "second")).await;
    let waiting = store.run(job("front")).await;
    let third = store.publish(after([done, waiting.job.id], "third")).await;
    assert_eq!(store.prune_all(all_ended()).await, 1);
    assert_eq!([store.state(second).await, store.state(third).await], [JobState::Ready, JobState::Waiting]);
    assert_eq!(store.find(second).await.after, [done], "it keeps its predecessors");

    store.accept(waiting.succeeds()).await;
    assert_eq!(store.state(third).await, JobState::Ready);
    let failed = store.claim_one(&worker("w"), "second", at(0)).await;
    store.accept(failed.fails()).await;
    store.retry_job(second).await;
    assert_eq!(store.state(second).await, JobState::Ready, "it does not wait for a pruned job");
}

pub async fn one_call_examines_at_most_limit_jobs(store: TestStore) {
    let mut ids = Vec::new();
    for index in 0..7 {
        let new = job("ship");
        ids.push(if index % 3 == 0 { store.failed(new).await } else { store.succeeded(new).await });
    }
    let mut prune = Prune { succeeded_before: Some(at(99)), limit: 3, ..nothing() };
    let first = store.prune(prune.clone()).await.expect("prune");
    assert_eq!(first.deleted, 2);
    assert_eq!(store.all_ids().await, [&ids[..1], &ids[3..]].concat());

    assert!(first.next.is_some(), "there are more jobs to examine");
    prune.after = first.next;
    let second = store.prune(prune.clone()).await.expect("prune");
    assert_eq!(second.deleted, 2);
    assert_eq!(store.all_ids().await, [ids[0], ids[3], ids[6]]);

    assert!(second.next.is_some(), "there are more jobs to examine");
    prune.after = second.next;
    let last = store.prune(prune).await.expect("prune");
    assert_eq!((last.deleted, last.next), (0, None));
}

pub async fn r28_a_page_token_survives_the_pruning_of_its_job(store: TestStore) {
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(store.succeeded(job("ship")).await);
    }
    ids.extend([store.publish(job("ship")).await, store.publish(job("ship")).await]);
    let forward = JobQuery::new().limit(2);
    let backward = JobQuery::new().latest_first().limit(5);
    let [first, last] = [store.page(&forward).await, store.page(&backward).await];
    store.prune_all(all_ended()).await;

    let onward = store.page(&forward.page(first.next).limit(9)).await;
    assert_eq!(onward.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), ids[4..]);
    let back = store.page(&backward.page(last.next).limit(9)).await;
    assert_eq!(back.jobs, []);
}

pub async fn sequence_numbers_of_pruned_jobs_are_not_reused(store: TestStore) {
    let batch = jobs::<3>("ship");
    store.publish_all(batch.into()).await;
    let query = JobQuery::new().limit(2);
    let page = store.page(&query).await;
    for id in store.all_ids().await {
        store.must_cancel(id).await;
    }
    assert_eq!(store.prune_all(all_ended()).await, 3);
    let later = store.publish(job("later")).await;

    let onward = store.page(&query.page(page.next)).await;
    assert_eq!(onward.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [later]);
    assert_eq!(store.claim_ids(&["later"], 9, at(0)).await, [later]);
}

/// An event emitted at this second.
fn emitted(second: i64) -> NewEvent {
    NewEvent { emitted_at: at(second), ..event("sent") }
}

async fn emit(store: &TestStore, seconds: &[i64]) -> Vec<Cursor> {
    store.submit(seconds.iter().copied().map(emitted).collect(), Vec::new()).await.expect("submit");
    let events = store.all_events().await;
    events[events.len() - seconds.len()..].iter().map(|event| event.cursor.clone()).collect()
}

async fn cursors(store: &TestStore) -> Vec<Cursor> {
    store.all_events().await.into_iter().map(|event| event.cursor.clone()).collect()
}

pub async fn events_are_pruned_oldest_first_up_to_a_time_and_a_limit(store: TestStore) {
    let emitted = emit(&store, &[1, 2, 2, 3, 4]).await;
    let prune = async |before, limit| store.prune_events(before, at(99), limit).await.expect("prune_events");
    assert_eq!(prune(at(1), 9).await, 0, "none was emitted before that time");
    assert_eq!(prune(at(9), 0).await, 0);
    assert_eq!(cursors(&store).await, emitted);
    assert_eq!(prune(at(3), 2).await, 2);
    assert_eq!(cursors(&store).await, emitted[2..]);
    assert_eq!(prune(at(2) + MICROSECOND, 9).await, 1);
    assert_eq!(cursors(&store).await, emitted[3..]);
    assert_eq!(prune(at(9), 9).await, 2);
    assert_eq!(cursors(&store).await, []);
}

pub async fn pruning_stops_at_the_first_recent_event(store: TestStore) {
    let emitted = emit(&store, &[1, 5, 2]).await;
    assert_eq!(store.prune_events(at(3), at(99), 9).await.expect("prune_events"), 1);

    assert_eq!(cursors(&store).await, emitted[1..]);
}

pub async fn pruning_skips_events_dated_after_now(store: TestStore) {
    let emitted = emit(&store, &[60, 1, 2, 61, 3, 8, 30, 4]).await;
    let prune = async |limit| store.prune_events(at(8), at(9), limit).await.expect("prune_events");
    assert_eq!(prune(2).await, 2);
    assert_eq!(cursors(&store).await, [&emitted[..1], &emitted[3..]].concat());
    assert_eq!(prune(9).await, 1, "the search stops at the one at 8");
    let left = [0, 3, 5, 6, 7];
    let cursors_from = |from: usize| -> Vec<Cursor> {
        left.into_iter().filter(|index| *index >= from).map(|index| emitted[index].clone()).collect()
    };
    assert_eq!(cursors(&store).await, cursors_from(0));
    for (index, cursor) in emitted.iter().enumerate() {
        let following: Vec<Cursor> =
            store.events_after(cursor).await.into_iter().map(|event| event.cursor).collect();
        assert_eq!(following, cursors_from(index + 1), "{index}");
    }

    assert_eq!(store.prune_events(at(9), at(9), 9).await.expect("prune_events"), 2);
    assert_eq!(store.prune_events(at(99), at(99), 9).await.expect("prune_events"), 3);
    let later = emit(&store, &[5]).await;
    assert_eq!(store.events_after(&emitted[7]).await.len(), 1);
    assert!(!emitted.contains(&later[0]), "its cursor is not reused");
}

pub async fn r18_a_cursor_survives_the_pruning_of_its_event(store: TestStore) {
    let emitted = emit(&store, &[1, 2, 3]).await;
    store.prune_events(at(3), at(99), 9).await.expect("prune_events");

    for cursor in [&Cursor::START, &emitted[0], &emitted[1]] {
        let following: Vec<Cursor> =
            store.events_after(cursor).await.into_iter().map(|event| event.cursor).collect();
        assert_eq!(following, emitted[2..]);
    }
    assert_eq!(store.events_after(&emitted[2]).await, []);
}

pub async fn r18_cursors_of_pruned_events_are_not_reused(store: TestStore) {
    let emitted = emit(&store, &[1, 2]).await;
    assert_eq!(store.prune_events(at(9), at(99), 9).await.expect("prune_events"), 2);
    let later = emit(&store, &[3]).await;

    assert!(!emitted.contains(&later[0]));
    assert_eq!(store.events_after(&emitted[1]).await.len(), 1);
}
