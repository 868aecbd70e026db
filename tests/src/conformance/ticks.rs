//! Ticks: of all processes one does what a schedule says.

use enact::JobState;
use enact::store::{NewJob, NewTick, Submitted, Ticked};
use jiff::Timestamp;

use super::Subject;
use super::sample::{MICROSECOND, at, job, job_id, json, under_key};

async fn tick(
    store: &Subject,
    schedule: &str,
    last: Option<Timestamp>,
    at: Timestamp,
    jobs: Vec<NewJob>,
) -> Ticked {
    store.tick(NewTick { schedule: schedule.into(), last, at, jobs }).await.expect("tick")
}

pub async fn a_tick_is_put_on_record_with_its_jobs(store: Subject) {
    let jobs = vec![job("clean"), job("report")];
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    let answer = tick(&store, "nightly", None, at(1), jobs).await;

    assert_eq!(answer, Ticked::Done(vec![Submitted::New, Submitted::New]));
    assert_eq!(store.all_ids().await, ids);
    assert_eq!(store.state(ids[0]).await, JobState::Ready);
}

pub async fn a_tick_is_done_once(store: Subject) {
    tick(&store, "nightly", None, at(1), vec![job("clean")]).await;
    let before = store.everything().await;
    for last in [None, Some(at(0)), Some(at(1) + MICROSECOND), Some(at(2))] {
        let answer = tick(&store, "nightly", last, at(2), vec![job("clean")]).await;
        assert_eq!(answer, Ticked::Stale(Some(at(1))), "{last:?}");
    }
    assert_eq!(store.everything().await, before);
    let answer = tick(&store, "nightly", Some(at(1)), at(2), vec![job("clean")]).await;
    assert_eq!(answer, Ticked::Done(vec![Submitted::New]));
}

pub async fn a_tick_before_there_was_one_is_stale_to_who_knows_another(store: Subject) {
    let answer = tick(&store, "nightly", Some(at(1)), at(2), vec![job("clean")]).await;

    assert_eq!(answer, Ticked::Stale(None));
    assert_eq!(store.all_ids().await, []);
}

pub async fn the_last_tick_is_the_last_that_was_put_on_record(store: Subject) {
    let mut last = None;
    // Even if a clock has gone back between two, and to the microsecond.
    for now in [at(5), at(5) + MICROSECOND, at(3), at(4)] {
        assert_eq!(tick(&store, "nightly", last, now, Vec::new()).await, Ticked::Done(Vec::new()));
        last = Some(now);
    }
    assert_eq!(tick(&store, "nightly", None, at(9), Vec::new()).await, Ticked::Stale(last));
}

pub async fn schedules_tick_for_themselves_and_are_told_apart_to_the_letter(store: Subject) {
    for (second, schedule) in (0..).zip(["a", "A", "a ", "", "\u{e9}", "e\u{301}", "a\0"]) {
        assert_eq!(tick(&store, schedule, None, at(second), Vec::new()).await, Ticked::Done(Vec::new()));
    }
    assert_eq!(tick(&store, "A", None, at(9), Vec::new()).await, Ticked::Stale(Some(at(1))));
}

pub async fn the_jobs_of_a_tick_are_submitted_like_any_others(store: Subject) {
    let known = store.publish(under_key("k", "pay", json(5))).await;
    let missing = job_id();
    let added = job("clean");
    let added_id = added.id;
    let jobs = vec![
        under_key("k", "pay", json(5)),
        under_key("k", "pay", json(6)),
        NewJob { max_queued: Some(0), ..job("full") },
        NewJob { after: vec![missing], ..job("after") },
        added,
    ];
    let answer = tick(&store, "nightly", None, at(1), jobs).await;

    let expected = vec![
        Submitted::Existing(known),
        Submitted::Mismatch(known),
        Submitted::Full(0),
        Submitted::NoPredecessor(missing),
        Submitted::New,
    ];
    assert_eq!(answer, Ticked::Done(expected));
    assert_eq!(store.all_ids().await, [known, added_id]);
    assert_eq!(tick(&store, "nightly", None, at(9), Vec::new()).await, Ticked::Stale(Some(at(1))));
}
