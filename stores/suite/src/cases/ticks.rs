//! Ticks of recurring commands: each is accepted from one process only.

use enact::JobState;
use enact::store::{NewJob, NewTick, Submitted, Ticked};
use jiff::Timestamp;

use crate::TestStore;
use crate::sample::{MICROSECOND, With, at, job, job_id, json, under_key};

fn new_tick(schedule: &str, last: Option<Timestamp>, at: Timestamp, jobs: Vec<NewJob>) -> NewTick {
    NewTick { schedule: schedule.into(), aliases: &[], last, at, unless_running: false, jobs }
}

async fn tick(
    store: &TestStore,
    schedule: &str,
    last: Option<Timestamp>,
    at: Timestamp,
    jobs: Vec<NewJob>,
) -> Ticked {
    store.tick(new_tick(schedule, last, at, jobs)).await.expect("tick")
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

pub async fn r38_the_names_of_a_schedule_share_its_position(store: TestStore) {
    let renamed = |last, second| NewTick {
        aliases: &["nightly", "former"],
        ..new_tick("daily", last, at(second), vec![job("clean")])
    };
    let done = Ticked::Done(vec![Submitted::New]);
    assert_eq!(tick(&store, "nightly", None, at(1), vec![job("clean")]).await, done);
    // The new program finds the tick of the old one.
    assert_eq!(store.tick(renamed(None, 2)).await.expect("tick"), Ticked::Stale(Some(at(1))));
    assert_eq!(store.tick(renamed(Some(at(1)), 2)).await.expect("tick"), done);
    // The old one finds that of the new one, under its own name.
    let stale = tick(&store, "nightly", Some(at(1)), at(2), vec![job("clean")]).await;
    assert_eq!(stale, Ticked::Stale(Some(at(2))));
    assert_eq!(tick(&store, "nightly", Some(at(2)), at(3), vec![job("clean")]).await, done);
    assert_eq!(store.tick(renamed(Some(at(2)), 3)).await.expect("tick"), Ticked::Stale(Some(at(3))));
    assert_eq!(store.tick(renamed(Some(at(3)), 4)).await.expect("tick"), done);
    for name in ["daily", "nightly", "former"] {
        assert_eq!(store.last_tick(name).await.expect("a read"), Some(at(4)), "{name}");
    }
    assert_eq!(store.all_ids().await.len(), 4);
}

pub async fn r38_a_tick_is_recorded_without_its_jobs_while_an_earlier_one_runs(store: TestStore) {
    let unless_running = |last, second, jobs| NewTick {
        aliases: &["former"],
        unless_running: true,
        ..new_tick("nightly", last, at(second), jobs)
    };
    let first = job("clean");
    let id = first.id;
    let done = store.tick(unless_running(None, 1, vec![first])).await.expect("tick");
    assert_eq!(done, Ticked::Done(vec![Submitted::New]));

    let skipped = store.tick(unless_running(Some(at(1)), 2, vec![job("clean")])).await.expect("tick");
    assert_eq!(skipped, Ticked::Overlaps(id));
    assert_eq!(
        (store.all_ids().await, store.last_tick("nightly").await.expect("a read")),
        (vec![id], Some(at(2)))
    );
    // A tick without jobs overlaps with nothing, and does not forget the job.
    let empty = store.tick(unless_running(Some(at(2)), 3, Vec::new())).await.expect("tick");
    assert_eq!(empty, Ticked::Done(Vec::new()));
    let running = store.claim_one(&crate::sample::worker("w"), "clean", at(3)).await;
    // Another program knows the schedule by its former name.
    let other =
        NewTick { unless_running: true, ..new_tick("former", Some(at(3)), at(4), vec![job("clean")]) };
    assert_eq!(store.tick(other).await.expect("tick"), Ticked::Overlaps(id));
    // One that may overlap does.
    let beside = tick(&store, "former", Some(at(4)), at(5), vec![job("clean")]).await;
    assert_eq!(beside, Ticked::Done(vec![Submitted::New]));
    let second = store.all_ids().await[1];
    store.must_cancel(second).await;
    let next = store.tick(unless_running(Some(at(5)), 6, vec![job("clean")])).await.expect("tick");
    assert_eq!(next, Ticked::Done(vec![Submitted::New]), "the job of the last tick has ended");
    store.accept(running.succeeds()).await;
}
