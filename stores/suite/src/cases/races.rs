//! The same promises with several tasks and several handles at work at once.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enact::store::{
    Claim, Claimable, Commit, CommitError, Cursor, EntityWrite, Lease, Next, Start, Store, Submitted,
};
use enact::{Job, JobId, JobState, Key};
use tokio::task::JoinSet;

use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{account, at, event, in_lane, job, jobs, json, under_key, worker};
use crate::test_store::read_events;

const TASKS: usize = 6;

/// One handle per task; half of them share the store, half use a second handle on the same records.
fn handles(store: &TestStore) -> Vec<Arc<dyn Store>> {
    let (one, other) = (store.handle(), store.other_handle());
    [one, other].into_iter().cycle().take(TASKS).collect()
}

/// Runs two futures at the same time and returns both results.
async fn both<T: Send + 'static>(
    left: impl Future<Output = T> + Send + 'static,
    right: impl Future<Output = T> + Send + 'static,
) -> [T; 2] {
    let (left, right) = (tokio::spawn(left), tokio::spawn(right));
    [left.await.expect("the task ends"), right.await.expect("the task ends")]
}

pub(crate) fn claim_all(name: &str, by: usize, limit: usize) -> Claim {
    let names = Arc::new(HashMap::from([(name.into(), Claimable { queue: 0, entity: None })]));
    Claim { worker: worker(&format!("w-{by}")), names, room: vec![limit], batch: 0, now: at(10) }
}

pub async fn r20_no_two_claims_return_the_same_job(store: TestStore) {
    let jobs = jobs::<120>("ship");
    let mut expected = jobs.each_ref().map(|job| job.id);
    store.publish_all(jobs.into()).await;

    let mut tasks = JoinSet::new();
    for (by, handle) in handles(&store).into_iter().enumerate() {
        tasks.spawn(async move {
            let mut ids = Vec::new();
            loop {
                let claimed = handle.claim(claim_all("ship", by, 7)).await.expect("claim").jobs;
                if claimed.is_empty() {
                    return ids;
                }
                ids.extend(claimed.into_iter().map(|job| job.id));
            }
        });
    }
    let mut claimed = tasks.join_all().await.concat();

    claimed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(claimed, expected);
    for id in expected {
        assert_eq!(store.attempts_of(id).await.len(), 1);
    }
}

pub async fn r20_one_of_two_commits_of_an_attempt_is_accepted(store: TestStore) {
    let other = store.other_handle();
    for round in 0..20 {
        let active = store.run(job("ship")).await;
        let (one, two) = (store.handle(), other.clone());
        let [succeeds, fails] = [active.succeeds(), active.fails()]
            .map(|commit| Commit { events: vec![event("ended")], ..commit });
        let [succeeded, failed] =
            both(async move { one.commit(succeeds).await }, async move { two.commit(fails).await }).await;

        let state = store.state(active.job.id).await;
        match (succeeded, failed) {
            (Ok(_), Err(CommitError::Fenced)) => assert_eq!(state, JobState::Succeeded),
            (Err(CommitError::Fenced), Ok(_)) => assert_eq!(state, JobState::Failed),
            both => panic!("{both:?}"),
        }
        assert_eq!(store.all_events().await.len(), round + 1);
    }
}

pub async fn r23_an_attempt_is_either_committed_or_rescued(store: TestStore) {
    let other = store.other_handle();
    for _ in 0..20 {
        let active = store.run(job("ship")).await;
        let (one, two) = (store.handle(), other.clone());
        let (succeeds, lost) = (active.succeeds(), active.is_rescued(0));
        let [succeeded, rescued] =
            both(async move { one.commit(succeeds).await }, async move { two.commit(lost).await }).await;

        let state = store.state(active.job.id).await;
        match (succeeded, rescued) {
            (Ok(_), Err(CommitError::Fenced)) => assert_eq!(state, JobState::Succeeded),
            (Err(CommitError::Fenced), Ok(_)) => assert_eq!(state, JobState::Failed),
            both => panic!("{both:?}"),
        }
    }
}

pub async fn r23_a_lease_is_either_renewed_or_its_attempt_rescued(store: TestStore) {
    let other = store.other_handle();
    for round in 0..20 {
        let name = worker(&format!("w-{round}"));
        let active = store.execute(job("ship"), &name).await;
        let (one, two) = (store.handle(), other.clone());
        let lost = active.is_rescued(0);
        let renew = tokio::spawn(async move {
            one.renew(Lease { worker: name, renewals: 1, length: Duration::from_secs(10) }).await
        });
        let rescued = two.commit(lost.clone()).await;
        renew.await.expect("the task ends").expect("renew");

        // In either order, another rescue by the old renewal count is refused.
        store.fence(lost).await;
        let state = store.state(active.job.id).await;
        match rescued {
            Ok(_) => assert_eq!(state, JobState::Failed),
            Err(CommitError::Fenced) => assert_eq!(state, JobState::Running),
            Err(error) => panic!("{error:?}"),
        }
    }
}

pub async fn r17_no_write_is_lost(store: TestStore) {
    const WRITES: u64 = 8;
    let mut tasks = JoinSet::new();
    for (by, handle) in handles(&store).into_iter().enumerate() {
        tasks.spawn(async move {
            for _ in 0..WRITES {
                increment(&*handle, by).await;
            }
        });
    }
    tasks.join_all().await;

    let total = WRITES * TASKS as u64;
    let entity = store.entity(&account("a")).await.expect("an entity");
    assert_eq!((entity.version, entity.body), (total, json(total)));
    assert_eq!(store.all_events().await.len() as u64, total);
}

/// Increments a number in an entity, and retries on a version conflict.
async fn increment(store: &dyn Store, by: usize) {
    let by = worker(&format!("w-{by}"));
    let mut new = job("increment");
    new.start = Some(Start::Running(by.clone()));
    let id = new.id;
    store.submit(Vec::new(), vec![new]).await.expect("submit");
    let job = store.job(id).await.expect("job").expect("the job is stored");
    let active = RunningAttempt { job, worker: by, started_at: at(0) };
    loop {
        let found = store.load(&account("a")).await.expect("load");
        let (expected, number) =
            found.map_or((0, 0), |entity| (entity.version, entity.body.parse::<u64>().expect("a number")));
        // Lets other tasks commit in between.
        tokio::task::yield_now().await;
        let write = Some(EntityWrite { key: account("a"), expected, body: json(number + 1) });
        let commit = Commit { write, events: vec![event("incremented")], ..active.succeeds() };
        match store.commit(commit).await {
            Ok(_) => return,
            Err(CommitError::Conflict { found }) => assert_ne!(found, expected),
            Err(error) => panic!("{error:?}"),
        }
    }
}

pub async fn r25_one_of_many_equal_requests_is_stored(store: TestStore) {
    for round in 0..10 {
        let mut tasks = JoinSet::new();
        for handle in handles(&store) {
            let new = under_key(&format!("k-{round}"), "pay", json(round));
            let id = new.id;
            tasks.spawn(async move { (id, handle.submit(Vec::new(), vec![new]).await.expect("submit")) });
        }
        let results = tasks.join_all().await;

        let stored: Vec<JobId> =
            results.iter().filter(|(_, result)| *result == [Submitted::New]).map(|(id, _)| *id).collect();
        assert_eq!(stored.len(), 1, "{results:?}");
        let existing =
            results.iter().filter(|(_, result)| *result == [Submitted::Existing(stored[0])]).count();
        assert_eq!(existing, TASKS - 1, "{results:?}");
    }
    assert_eq!(store.all_ids().await.len(), 10);
}

pub async fn r25_one_of_many_different_requests_is_stored(store: TestStore) {
    let mut tasks = JoinSet::new();
    for (payload, handle) in (0_u64..).zip(handles(&store)) {
        let new = under_key("k", "pay", json(payload));
        tasks.spawn(async move { handle.submit(Vec::new(), vec![new]).await.expect("submit") });
    }
    let results = tasks.join_all().await.concat();

    let [winner] = store.all_ids().await[..] else { panic!("one job is stored") };
    assert_eq!(results.iter().filter(|result| **result == Submitted::New).count(), 1);
    assert_eq!(results.iter().filter(|result| **result == Submitted::Mismatch(winner)).count(), TASKS - 1);
}

/// What the workers observe in some lanes.
#[derive(Default)]
struct Traffic {
    busy: Mutex<HashSet<Key>>,
    begun: Mutex<HashMap<Key, Vec<JobId>>>,
    running: AtomicUsize,
    all_published: AtomicBool,
}

impl Traffic {
    fn begins(&self, job: &Job) {
        let lane = job.order_key.clone().expect("a lane");
        let was_free = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(lane.clone());
        assert!(was_free, "two jobs run in lane {lane}");
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = begun.entry(lane).or_default();
        if begun.last() != Some(&job.id) {
            begun.push(job.id);
        }
    }

    fn ends(&self, job: &Job) {
        let lane = job.order_key.clone().expect("a lane");
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&lane);
    }

    /// Runs jobs until there are none. Each is retried once.
    async fn drain(&self, store: Arc<dyn Store>, by: usize) {
        loop {
            let last_look =
                self.all_published.load(Ordering::SeqCst) && self.running.load(Ordering::SeqCst) == 0;
            let claimed = store.claim(claim_all("ship", by, 2)).await.expect("claim").jobs;
            if claimed.is_empty() && last_look {
                return;
            }
            self.running.fetch_add(claimed.len(), Ordering::SeqCst);
            for job in &claimed {
                self.begins(job);
            }
            tokio::task::yield_now().await;
            for job in claimed {
                self.ends(&job);
                let active = RunningAttempt { job, worker: worker(&format!("w-{by}")), started_at: at(10) };
                let is_first = active.job.attempts == 1;
                let commit = if is_first { active.retries(at(10)) } else { active.succeeds() };
                store.commit(commit).await.expect("commit");
                self.running.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

pub async fn r26_lanes_keep_their_order_while_jobs_are_published_and_run(store: TestStore) {
    const LANES: [&str; 3] = ["x", "y", "z"];
    let traffic = Arc::new(Traffic::default());
    let mut tasks = JoinSet::new();
    for (by, handle) in handles(&store).into_iter().enumerate() {
        let traffic = traffic.clone();
        tasks.spawn(async move { traffic.drain(handle, by).await });
    }
    for index in 0..45 {
        store.publish(in_lane(LANES[index % 3], "ship")).await;
        tokio::task::yield_now().await;
    }
    traffic.all_published.store(true, Ordering::SeqCst);
    tasks.join_all().await;

    let jobs = store.all_jobs().await;
    assert!(jobs.iter().all(|job| job.state == JobState::Succeeded), "{:?}", store.counts().await);
    for lane in LANES.map(Key::from_text) {
        let published: Vec<JobId> =
            jobs.iter().filter(|job| job.order_key.as_ref() == Some(&lane)).map(|job| job.id).collect();
        let begun = traffic.begun.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(begun.get(&lane), Some(&published));
    }
}

pub async fn r18_a_reader_at_a_cursor_misses_no_event(store: TestStore) {
    const EVENTS: usize = 20;
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = {
        let (handle, is_over) = (store.other_handle(), is_over.clone());
        tokio::spawn(async move {
            let (mut seen, mut cursor) = (Vec::new(), Cursor::START);
            loop {
                let last_look = is_over.load(Ordering::SeqCst);
                let page = handle.events(&cursor, 3).await.expect("events");
                match page.last() {
                    Some(last) => cursor = last.cursor.clone(),
                    None if last_look => return seen,
                    None => tokio::task::yield_now().await,
                }
                seen.extend(page.into_iter().map(|event| event.id));
                assert!(seen.len() <= 2 * EVENTS * TASKS, "an event is read twice");
            }
        })
    };
    let mut tasks = JoinSet::new();
    for handle in handles(&store) {
        tasks.spawn(async move {
            for _ in 0..EVENTS {
                handle.submit(vec![event("a"), event("b")], Vec::new()).await.expect("submit");
            }
        });
    }
    tasks.join_all().await;
    is_over.store(true, Ordering::SeqCst);

    let seen = reader.await.expect("the task ends");
    assert_eq!(seen.len(), 2 * EVENTS * TASKS);
    assert_eq!(seen, store.all_events().await.into_iter().map(|event| event.id).collect::<Vec<_>>());
}

pub async fn r15_a_reader_never_sees_a_partial_commit(store: TestStore) {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for handle in handles(&store) {
        let is_over = is_over.clone();
        readers.spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                compare_version_and_events(&*handle).await;
                tokio::task::yield_now().await;
            }
        });
    }
    let writer = store.handle();
    let writing = tokio::spawn(async move {
        for _ in 0..40 {
            increment(&*writer, 0).await;
        }
    });
    writing.await.expect("the task ends");
    is_over.store(true, Ordering::SeqCst);
    readers.join_all().await;
}

/// Each increment writes one version and emits one event.
async fn compare_version_and_events(store: &dyn Store) {
    let count_events = async || read_events(store, &Cursor::START).await.len() as u64;
    let events = count_events().await;
    let entity = store.entity(&account("a")).await.expect("entity");
    let version = entity.map_or(0, |entity| entity.version);
    assert!(version >= events, "{events} events, but version {version}");
    let events = count_events().await;
    assert!(events >= version, "version {version}, but {events} events");
}

pub async fn r20_a_retried_job_is_claimed_once(store: TestStore) {
    for _ in 0..10 {
        let active = store.run(job("ship")).await;
        store.accept(Commit { next: Next::Retry(at(10)), ..active.fails() }).await;
        let mut tasks = JoinSet::new();
        for (by, handle) in handles(&store).into_iter().enumerate() {
            tasks.spawn(async move { handle.claim(claim_all("ship", by, 1)).await.expect("claim").jobs });
        }
        let claimed = tasks.join_all().await.concat();

        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [active.job.id]);
        assert_eq!(store.attempts_of(active.job.id).await.len(), 2);
    }
}
