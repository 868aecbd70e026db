//! Finding and counting jobs and entities (r28).

use std::sync::Arc;

use enact::store::{Commit, JobCount, JobPage, JobQuery, NewJob};
use enact::{CorrelationId, Job, JobId, JobKind, JobState};

use crate::TestStore;
use crate::sample::{ENTITIES, With, account, at, in_lane, job, job_id, jobs, key, order, worker, write};

pub async fn unknown_ids_are_not_found(store: TestStore) {
    store.publish(job("ship")).await;

    assert_eq!(store.job(job_id()).await.expect("job"), None);
    assert_eq!(store.attempts_of(job_id()).await, []);
    assert_eq!(store.entity(&account("a")).await, None);
    assert_eq!(store.all_entities("account").await, []);
    assert_eq!(store.all_events().await, []);
}

pub async fn an_empty_store_returns_empty_results(store: TestStore) {
    assert_eq!(store.all_jobs().await, []);
    assert_eq!(store.counts().await, []);
    assert_eq!(store.all_leases().await, []);
    assert_eq!(store.running_ids("w", 9).await, []);
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, []);
}

pub async fn the_states_of_several_jobs_are_read_at_once(store: TestStore) {
    let succeeded = store.succeeded(job("ship")).await;
    let failed = store.failed(job("ship")).await;
    let cancelled = store.publish(job("ship")).await;
    store.must_cancel(cancelled).await;
    let running = store.run(job("ship")).await.job.id;
    let ready = store.publish(job("ship")).await;
    let waiting = store.publish(NewJob { due_at: Some(at(9)), ..job("ship") }).await;

    let asked = [waiting, job_id(), succeeded, running, cancelled, failed, ready, waiting];
    let states = store.states(asked.to_vec()).await.expect("states");
    let expected = [
        Some(JobState::Waiting),
        None,
        Some(JobState::Succeeded),
        Some(JobState::Running),
        Some(JobState::Cancelled),
        Some(JobState::Failed),
        Some(JobState::Ready),
        Some(JobState::Waiting),
    ];
    assert_eq!(states, expected);
    assert_eq!(store.states(Vec::new()).await.expect("states"), []);
}

pub async fn the_attempts_of_several_jobs_are_read_at_once(store: TestStore) {
    let (succeeded, ready) = (store.succeeded(job("ship")).await, store.publish(job("bill")).await);
    let failed = store.failed(job("ship")).await;

    let asked = [failed, job_id(), succeeded, ready, failed];
    let attempts = store.attempts_of_jobs(asked.to_vec()).await.expect("attempts");
    let mut expected = Vec::new();
    for id in asked {
        expected.push(store.attempts_of(id).await);
    }
    assert_eq!(attempts, expected);
    assert_eq!(attempts.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 1, 0, 1]);
    assert_eq!(store.attempts_of_jobs(Vec::new()).await.expect("attempts"), Vec::<Vec<_>>::new());
}

/// Stores jobs of several names, correlations, times and states.
async fn varied(store: &TestStore) -> Vec<Job> {
    for (index, name) in ["ship", "bill", "ship", "pack", "ship", "bill", "ship"].into_iter().enumerate() {
        let second = i64::try_from(index).expect("few");
        let correlation = if index % 3 == 0 { "fizz" } else { "other" };
        let new = job(name).with(|job| {
            job.correlation = CorrelationId::new(correlation);
            job.created_at = at(second);
        });
        store.publish(new).await;
    }
    for second in 7..9 {
        store.publish(in_lane("x", "pack").with(|job| job.created_at = at(second))).await;
    }
    for index in 0..2 {
        let active = store.claim_one(&worker("w"), "ship", at(10)).await;
        store.accept(if index == 0 { active.succeeds() } else { active.fails() }).await;
    }
    store.claim_one(&worker("w"), "bill", at(10)).await;
    store.all_jobs().await
}

type Filter = fn(&Job) -> bool;

fn queries() -> Vec<(JobQuery, Filter)> {
    let any = JobQuery::default;
    vec![
        (any(), |_| true),
        (any().name("ship"), |job| &*job.name == "ship"),
        (any().name("sail"), |_| false),
        (any().state(JobState::Ready), |job| job.state == JobState::Ready),
        (
            any()
                .state(JobState::Running)
                .state(JobState::Ready)
                .state(JobState::Waiting)
                .state(JobState::Ready),
            |job| !job.state.has_ended(),
        ),
        (any().state(JobState::Succeeded).state(JobState::Failed).state(JobState::Running), |job| {
            job.state.has_ended() || job.state == JobState::Running
        }),
        (any().correlation(CorrelationId::new("fizz")), |job| job.correlation.as_str() == "fizz"),
        (any().created_from(at(2)), |job| job.created_at >= at(2)),
        (any().created_before(at(4)), |job| job.created_at < at(4)),
        (any().created_from(at(2)).created_before(at(5)), |job| (at(2)..at(5)).contains(&job.created_at)),
        (
            any()
                .state(JobState::Ready)
                .name("ship")
                .correlation(CorrelationId::new("fizz"))
                .created_from(at(1))
                .created_before(at(7)),
            |job| {
                job.state == JobState::Ready
                    && &*job.name == "ship"
                    && job.correlation.as_str() == "fizz"
                    && job.created_at >= at(1)
            },
        ),
    ]
}

pub async fn r28_jobs_are_found_by_every_filter(store: TestStore) {
    let all = varied(&store).await;
    for (query, filter) in queries() {
        let expected: Vec<Job> = all.iter().filter(|job| filter(job)).cloned().collect();
        let found = store.page(&query.clone().limit(100)).await;
        assert_eq!(found.jobs, expected, "{query:?}");
        assert_eq!(found.next, None, "{query:?}");
    }
}

pub async fn r28_pages_cover_all_jobs_in_both_directions(store: TestStore) {
    let all = varied(&store).await;
    for (query, filter) in queries() {
        for latest_first in [false, true] {
            let mut expected: Vec<JobId> = all.iter().filter(|job| filter(job)).map(|job| job.id).collect();
            if latest_first {
                expected.reverse();
            }
            for limit in 1..=3 {
                let mut query = query.clone().limit(limit);
                query.latest_first = latest_first;
                assert_eq!(walk(&store, query.clone()).await, expected, "{query:?}");
            }
        }
    }
}

/// Collects all pages of a query. Every page but the last must be full; only a single page may be empty.
async fn walk(store: &TestStore, mut query: JobQuery) -> Vec<JobId> {
    let mut found = Vec::new();
    loop {
        let JobPage { jobs, next, .. } = store.page(&query).await;
        assert!(next.is_none() || jobs.len() == query.limit, "a page before the last is full: {query:?}");
        assert!(!jobs.is_empty() || query.page.is_none(), "there was something on the next page: {query:?}");
        found.extend(jobs.into_iter().map(|job| job.id));
        assert!(found.len() < 100, "paging ends: {query:?}");
        match next {
            Some(next) => query.page = Some(next),
            None => return found,
        }
    }
}

pub async fn r28_a_page_token_stays_valid_while_jobs_are_added(store: TestStore) {
    let before = jobs::<4>("ship");
    let before_ids = before.each_ref().map(|job| job.id);
    store.publish_all(before.into()).await;
    let forward = JobQuery::new().limit(2);
    let backward = forward.clone().latest_first();
    let [first, last] = [store.page(&forward).await, store.page(&backward).await];

    let after = jobs::<3>("ship");
    let after_ids = after.each_ref().map(|job| job.id);
    store.publish_all(after.into()).await;

    let onward = walk(&store, forward.page(first.next)).await;
    assert_eq!(onward, [&before_ids[2..], &after_ids].concat());
    let back = walk(&store, backward.page(last.next)).await;
    assert_eq!(back, [before_ids[1], before_ids[0]]);
}

pub async fn r28_jobs_are_counted_by_kind_name_and_state(store: TestStore) {
    let handling = || job("ship").with(|job| job.kind = JobKind::EventHandler);
    store.publish_all(vec![job("ship"), job("ship"), handling(), job("bill")]).await;
    store.publish_all(vec![in_lane("x", "pack"), in_lane("x", "pack")]).await;
    let active = store.claim_one(&worker("w"), "bill", at(0)).await;
    let count = |kind, name: &str, state, count| JobCount::new(kind, Arc::from(name), state, count);
    let command = |name, state, number| count(JobKind::Command, name, state, number);
    let others = [
        command("pack", JobState::Waiting, 1),
        command("pack", JobState::Ready, 1),
        command("ship", JobState::Ready, 2),
        count(JobKind::EventHandler, "ship", JobState::Ready, 1),
    ];

    let expected = [&[command("bill", JobState::Running, 1)], &others[..]].concat();
    assert_eq!(store.counts().await, expected);
    store.accept(active.fails()).await;
    let expected = [&[command("bill", JobState::Failed, 1)], &others[..]].concat();
    assert_eq!(store.counts().await, expected);
}

pub async fn r07_the_jobs_that_have_not_ended_are_counted_by_name(store: TestStore) {
    let live = async || {
        let counts = store.count_live().await.expect("count_live");
        counts.into_iter().map(|live| (live.name.to_string(), live.count)).collect::<Vec<_>>()
    };
    assert_eq!(live().await, []);
    store.publish_all(vec![job("ship"), job("ship"), job("bill")]).await;
    store.publish_all(vec![in_lane("x", "pack"), in_lane("x", "pack")]).await;
    let active = store.claim_one(&worker("w"), "bill", at(0)).await;
    let counted = |all: &[(&str, u64)]| {
        all.iter().map(|(name, count)| (String::from(*name), *count)).collect::<Vec<_>>()
    };
    assert_eq!(live().await, counted(&[("bill", 1), ("pack", 2), ("ship", 2)]));
    store.accept(active.fails()).await;
    assert_eq!(live().await, counted(&[("pack", 2), ("ship", 2)]));
}

/// In byte order, which differs from alphabetical order and from UTF-16 order.
const KEYS: [&str; 15] =
    ["", "\0", "10", "9", "B", "Z", "a", "a\0", "a\u{1}", "aa", "b", "z", "\u{e4}", "\u{fffd}", "\u{1f600}"];

async fn write_keys(store: &TestStore) {
    let mut shuffled = KEYS;
    shuffled.rotate_left(6);
    shuffled.swap(0, 5);
    for text in shuffled {
        let active = store.run(job("ship")).await;
        store.accept(Commit { write: Some(write(account(text), 0)), ..active.succeeds() }).await;
    }
}

pub async fn r28_entities_are_listed_in_byte_order_of_their_keys(store: TestStore) {
    write_keys(&store).await;

    let found = store.all_entities("account").await;
    assert_eq!(found.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), KEYS);
}

pub async fn r28_pages_cover_all_entities(store: TestStore) {
    write_keys(&store).await;
    for limit in [1, 2, 4, KEYS.len()] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.entities("account", after.as_ref(), limit).await.expect("entities");
            let Some((last, _)) = page.last() else { break };
            assert!(page.len() <= limit);
            after = Some(last.clone());
            found.extend(page.into_iter().map(|(key, _)| key.as_str().to_owned()));
            assert!(found.len() <= KEYS.len(), "paging ends: {limit} on a page");
        }
        assert_eq!(found, KEYS, "{limit} on a page");
    }
}

pub async fn r28_entities_are_listed_after_a_key_that_does_not_exist(store: TestStore) {
    write_keys(&store).await;

    let found = store.entities("account", Some(&key("Y")), 2).await.expect("entities");
    assert_eq!(found.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["Z", "a"]);
    assert_eq!(store.entities("account", Some(&key("\u{1f601}")), 2).await.expect("entities"), []);
}

pub async fn r28_entities_are_listed_by_type_as_last_committed(store: TestStore) {
    for (key, version) in [(account("1"), 0), (order("2"), 0), (account("1"), 1), (order("0"), 0)] {
        let active = store.run(job("ship")).await;
        store.accept(Commit { write: Some(write(key, version)), ..active.succeeds() }).await;
    }

    let mut versions = Vec::new();
    for entity in ENTITIES {
        let found = store.all_entities(entity).await;
        versions.push(
            found.iter().map(|(key, found)| (key.as_str().to_owned(), found.version)).collect::<Vec<_>>(),
        );
    }
    assert_eq!(versions, [vec![("1".to_owned(), 2)], vec![("0".to_owned(), 1), ("2".to_owned(), 1)]]);
    assert_eq!(store.all_entities("Account").await, []);
}

pub async fn r28_failed_jobs_exclude_jobs_retried_since(store: TestStore) {
    let mut failed = Vec::new();
    for round in 0..3 {
        // Failed on the second attempt, on the first, and again after a manual retry.
        let active = store.run(job("twice")).await;
        store.accept(active.retries(at(5))).await;
        let again = store.claim_one(&worker("w"), "twice", at(5)).await;
        store.accept(again.fails()).await;
        failed.extend([active.job.id, store.failed(job("once")).await, store.failed(job("by hand")).await]);
        store.retry_job(failed[failed.len() - 1]).await;
        let again = store.claim_one(&worker("w"), "by hand", at(5)).await;
        store.accept(again.fails()).await;
        // Failed before, but not failed now.
        let waiting = store.run(job("waits")).await;
        store.accept(waiting.retries(at(50))).await;
        let runs = store.failed(job(&format!("runs {round}"))).await;
        store.retry_job(runs).await;
        store.claim_ids(&[&format!("runs {round}")], 1, at(5)).await;
        let ready = store.failed(job(&format!("is ready {round}"))).await;
        store.retry_job(ready).await;
        let cancelled = store.run(job("cancelled")).await;
        store.must_cancel(cancelled.job.id).await;
        let succeeds = store.run(job("succeeds")).await;
        store.accept(succeeds.retries(at(5))).await;
        let again = store.claim_one(&worker("w"), "succeeds", at(5)).await;
        store.accept(again.succeeds()).await;
    }
    let query = |query: JobQuery| query.state(JobState::Failed).limit(2);
    assert_eq!(all_pages(&store, query(JobQuery::default())).await, failed);
    let backwards: Vec<JobId> = failed.iter().rev().copied().collect();
    assert_eq!(all_pages(&store, query(JobQuery::new().latest_first())).await, backwards);
    let once = query(JobQuery::new().name("once"));
    assert_eq!(all_pages(&store, once).await, [failed[1], failed[4], failed[7]]);
}

/// The ids of the jobs on all pages of a query.
async fn all_pages(store: &TestStore, mut query: JobQuery) -> Vec<JobId> {
    let mut ids = Vec::new();
    loop {
        let page = store.page(&query).await;
        assert!(page.jobs.len() <= query.limit);
        ids.extend(page.jobs.iter().map(|job| job.id));
        query.page = page.next;
        if query.page.is_none() {
            return ids;
        }
    }
}
