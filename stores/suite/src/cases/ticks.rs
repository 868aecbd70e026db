//! Ticks of recurring commands: each is accepted from one process only.

use enact::JobState;
use enact::store::{NewJob, NewTick, Submitted, Ticked};
use jiff::Timestamp;

use crate::TestStore;
use crate::sample::{MICROSECOND, With, at, job, job_id, json, under_key};

async fn tick(
    store: &TestStore,
    schedule: &str,
    last: Option<Timestamp>,
    at: Timestamp,
    jobs: Vec<NewJob>,
) -> Ticked {
    store.tick(NewTick { schedule: schedule.into(), last, at, jobs }).await.expect("tick")
}

pub async fn a_tick_is_stored_with_its_jobs(store: TestStore) {
    let jobs = vec![job("clean"), job("report")];
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    let result = tick(&store, "nightly", None, at(1), jobs).await;

    assert_eq!(result, Ticked::Done(vec![Submitted::New, Submitted::New]));
    assert_eq!(store.all_ids().await, ids);
    assert_eq!(store.state(ids[0]).await, JobState::Ready);
}

pub async fn a_tick_is_accepted_once(store: TestStore) {
    tick(&store, "nightly", None, at(1), vec![job("clean")]).await;
    let before = store.snapshot().await;
    for last in [None, Some(at(0)), Some(at(1) + MICROSECOND), Some(at(2))] {
        let result = tick(&store, "nightly", last, at(2), vec![job("clean")]).await;
        assert_eq!(result, Ticked::Stale(Some(at(1))), "{last:?}");
    }
    assert_eq!(store.snapshot().await, before);
    let result = tick(&store, "nightly", Some(at(1)), at(2), vec![job("clean")]).await;
    assert_eq!(result, Ticked::Done(vec![Submitted::New]));
}

pub async fn a_tick_is_stale_when_the_expected_last_one_does_not_exist(store: TestStore) {
    let result = tick(&store, "nightly", Some(at(1)), at(2), vec![job("clean")]).await;

    assert_eq!(result, Ticked::Stale(None));
    assert_eq!(store.all_ids().await, []);
}

pub async fn the_last_tick_is_the_last_one_stored(store: TestStore) {
    let mut last = None;
    // Also when the clock went back in between, and to the microsecond.
    for now in [at(5), at(5) + MICROSECOND, at(3), at(4)] {
        assert_eq!(tick(&store, "nightly", last, now, Vec::new()).await, Ticked::Done(Vec::new()));
        last = Some(now);
    }
    assert_eq!(tick(&store, "nightly", None, at(9), Vec::new()).await, Ticked::Stale(last));
}

pub async fn the_last_tick_can_be_read(store: TestStore) {
    assert_eq!(store.last_tick("nightly").await.expect("a read"), None);
    tick(&store, "nightly", None, at(1), vec![job("clean")]).await;
    tick(&store, "nightly", Some(at(1)), at(2) + MICROSECOND, Vec::new()).await;
    tick(&store, "nightly", Some(at(1)), at(3), Vec::new()).await;

    let before = store.snapshot().await;
    assert_eq!(store.last_tick("nightly").await.expect("a read"), Some(at(2) + MICROSECOND));
    assert_eq!(store.last_tick("Nightly").await.expect("a read"), None);
    assert_eq!(store.snapshot().await, before);
}

pub async fn schedules_are_independent_and_match_exactly(store: TestStore) {
    for (second, schedule) in (0..).zip(["a", "A", "a ", "", "\u{e9}", "e\u{301}", "a\0"]) {
        assert_eq!(tick(&store, schedule, None, at(second), Vec::new()).await, Ticked::Done(Vec::new()));
    }
    assert_eq!(tick(&store, "A", None, at(9), Vec::new()).await, Ticked::Stale(Some(at(1))));
}

pub async fn the_jobs_of_a_tick_are_submitted_like_any_other(store: TestStore) {
    let known = store.publish(under_key("k", "pay", json(5))).await;
    let missing = job_id();
    let added = job("clean");
    let added_id = added.id;
    let jobs = vec![
        under_key("k", "pay", json(5)),
        under_key("k", "pay", json(6)),
        NewJob { max_queued: Some(0), ..job("full") },
        job("after").with(|job| job.after = vec![missing]),
        added,
    ];
    let result = tick(&store, "nightly", None, at(1), jobs).await;

    let expected = vec![
        Submitted::Existing(known),
        Submitted::Mismatch(known),
        Submitted::Full(0),
        Submitted::NoPredecessor(missing),
        Submitted::New,
    ];
    assert_eq!(result, Ticked::Done(expected));
    assert_eq!(store.all_ids().await, [known, added_id]);
    assert_eq!(tick(&store, "nightly", None, at(9), Vec::new()).await, Ticked::Stale(Some(at(1))));
}
