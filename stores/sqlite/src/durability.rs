//! What an answer promises of the disk: the disk of these tests can be made to stand still, and to fail.

use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use enact::store::{Changed, Claim, Commit, NewJob, Next, Store, StoreError};
use enact::{Attempt, CorrelationId, Failure, FailureKind, JobId, JobKind, Json, Key, WorkerId};
use futures_util::FutureExt;
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use crate::SqliteStore;
use crate::log::Log;
use crate::open::open_with;

#[derive(Clone, Copy, PartialEq)]
enum Disk {
    Works,
    /// Whoever waits for it goes on waiting.
    StandsStill,
    Fails,
}

struct World {
    disk: Arc<(Mutex<Disk>, Condvar)>,
    /// Told whenever the disk is waited for.
    waited_for: Arc<Mutex<Receiver<()>>>,
    store: SqliteStore,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let disk = Arc::new((Mutex::new(Disk::Works), Condvar::new()));
        let folder = tempfile::tempdir().expect("a folder");
        let (tell, waited_for) = mpsc::channel();
        let waited_for = Arc::new(Mutex::new(waited_for));
        let slow = disk.clone();
        let log = |database: &Path| {
            let wait = move || {
                let _ = tell.send(());
                let (disk, changed) = &*slow;
                let disk = disk.lock().expect("nobody panics");
                match *changed.wait_while(disk, |disk| *disk == Disk::StandsStill).expect("nobody panics") {
                    Disk::Fails => Err(io::Error::other("a bad sector")),
                    _ => Ok(()),
                }
            };
            Ok(Some(Log::on_disk(wait, database).expect("a thread")))
        };
        let store = open_with(&SqliteStore::builder(folder.path().join("db")), log).expect("a store");
        Self { disk, waited_for, store, folder }
    }

    fn disk(&self, disk: Disk) {
        *self.disk.0.lock().expect("nobody panics") = disk;
        self.disk.1.notify_all();
    }

    /// The same records, opened by another process whose disk works.
    fn other(&self) -> SqliteStore {
        SqliteStore::open(self.folder.path().join("db")).expect("the file is opened")
    }

    async fn publish(&self, job: NewJob) -> Result<JobId, StoreError> {
        let id = job.id;
        self.store.submit(vec![], vec![job]).await.map(|_| id)
    }

    /// How many jobs are handed out.
    async fn claim(&self) -> usize {
        let queues = Arc::new([(RING.into(), 0)].into());
        let claim = Claim { worker: worker(), queues, room: vec![9], now: Timestamp::UNIX_EPOCH };
        self.store.claim(claim).await.expect("jobs are claimed").jobs.len()
    }

    async fn succeed(&self, job: JobId, staged: Vec<NewJob>) {
        let mut attempt = Attempt::begun(1, worker(), Timestamp::UNIX_EPOCH);
        attempt.ended_at = Some(Timestamp::UNIX_EPOCH);
        let next = Next::Succeeded(Json::from_text("null"));
        let commit = Commit { job, attempt, lapsed: None, next, write: None, events: vec![], jobs: staged };
        self.store.commit(commit).await.expect("it is committed");
    }

    /// The call is carried out, and not answered until the disk works again.
    async fn waits<T>(&self, mut call: Pin<&mut impl Future<Output = T>>) -> T {
        assert!(call.as_mut().now_or_never().is_none());
        // This is queued behind the call, and does not wait for the disk.
        self.publish(started()).await.expect("it is answered");
        assert!(call.as_mut().now_or_never().is_none(), "it is answered before the disk has it");
        self.disk(Disk::Works);
        call.await
    }
}

impl Drop for World {
    /// The store, which is dropped next, finishes what is queued.
    fn drop(&mut self) {
        self.disk(Disk::Works);
    }
}

const RING: &str = "Ring";

fn worker() -> WorkerId {
    WorkerId::from_text("w")
}

fn ring() -> NewJob {
    NewJob {
        id: Uuid::now_v7().to_string().parse().expect("a UUID is an id"),
        name: RING.into(),
        aliases: &[],
        kind: JobKind::Command,
        payload: Json::from_text("{}"),
        target: None,
        order_key: None,
        idempotency_key: None,
        correlation: CorrelationId::new("m"),
        cause: None,
        context: Arc::default(),
        priority: 0,
        after: vec![],
        due_at: None,
        deadline: None,
        max_queued: None,
        created_at: Timestamp::UNIX_EPOCH,
        repeatable: true,
        start: None,
    }
}

fn started() -> NewJob {
    NewJob { start: Some(worker()), ..ring() }
}

fn ring_once() -> NewJob {
    NewJob { repeatable: false, ..ring() }
}

fn in_lane() -> NewJob {
    NewJob { order_key: Some(Key::from_text("x")), ..ring() }
}

#[tokio::test]
async fn r02_a_published_job_is_durable_when_it_is_answered() {
    let world = World::new();
    world.disk(Disk::StandsStill);
    world.waits(pin!(world.publish(ring()))).await.expect("it is published");
}

#[tokio::test]
async fn r01_an_attempt_that_begins_at_once_is_on_record_before_it_is_durable() {
    let world = World::new();
    world.disk(Disk::StandsStill);
    let id = world.publish(started()).await.expect("it is answered");
    assert!(world.other().job(id).await.expect("a job is found").is_some());
    world.disk(Disk::Works);
}

#[tokio::test]
async fn r22_an_attempt_that_may_be_repeated_is_on_record_before_it_is_durable() {
    let world = World::new();
    let id = world.publish(ring()).await.expect("it is published");
    world.disk(Disk::StandsStill);
    assert_eq!(world.claim().await, 1);
    assert_eq!(world.other().attempts(id).await.expect("attempts are found").len(), 1);
    world.disk(Disk::Works);
}

#[tokio::test]
async fn r22_an_attempt_that_is_never_repeated_is_durable_before_it_runs() {
    let world = World::new();
    world.publish(ring_once()).await.expect("it is published");
    world.disk(Disk::StandsStill);
    assert_eq!(world.waits(pin!(world.claim())).await, 1);

    let begun_at_once = NewJob { start: Some(worker()), ..ring_once() };
    world.disk(Disk::StandsStill);
    world.waits(pin!(world.publish(begun_at_once))).await.expect("it is answered");
}

#[tokio::test]
async fn r25_who_asks_again_is_answered_when_the_first_request_is_durable() {
    let world = World::new();
    let under_key = || NewJob { idempotency_key: Some(Key::from_text("k")), ..started() };
    world.disk(Disk::StandsStill);
    world.publish(under_key()).await.expect("it is answered");
    world.waits(pin!(world.publish(under_key()))).await.expect("it is answered");
}

#[tokio::test]
async fn what_nobody_waits_for_reaches_the_disk_nevertheless() {
    let world = World::new();
    world.publish(started()).await.expect("it is answered");
    let waited_for = world.waited_for.clone();
    tokio::task::spawn_blocking(move || {
        waited_for.lock().expect("nobody panics").recv_timeout(Duration::from_secs(20))
    })
    .await
    .expect("nobody panics")
    .expect("somebody waits for the disk");
}

#[tokio::test]
async fn r18_what_a_commit_has_caused_begins_when_the_commit_is_durable() {
    let world = World::new();
    let id = world.publish(started()).await.expect("it is answered");
    world.publish(NewJob { name: "Others".into(), ..ring() }).await.expect("it is published");
    world.disk(Disk::StandsStill);
    let mut committed = pin!(world.succeed(id, vec![ring()]));
    assert!(committed.as_mut().now_or_never().is_none());
    assert_eq!(world.waits(pin!(world.claim())).await, 1);
    committed.await;
}

#[tokio::test]
async fn r26_the_next_in_a_lane_begins_when_the_end_of_the_first_is_durable() {
    let world = World::new();
    let first = world.publish(in_lane()).await.expect("it is published");
    world.publish(in_lane()).await.expect("it is published");
    assert_eq!(world.claim().await, 1);
    world.publish(NewJob { name: "Others".into(), ..ring() }).await.expect("it is published");
    world.disk(Disk::StandsStill);
    let mut committed = pin!(world.succeed(first, vec![]));
    assert!(committed.as_mut().now_or_never().is_none());
    assert_eq!(world.waits(pin!(world.claim())).await, 1);
    committed.await;
}

#[tokio::test]
async fn r26_what_comes_after_a_job_begins_when_the_success_of_that_one_is_durable() {
    let world = World::new();
    let first = world.publish(ring()).await.expect("it is published");
    world.publish(NewJob { after: vec![first], ..ring() }).await.expect("it is published");
    assert_eq!(world.claim().await, 1);
    world.publish(NewJob { name: "Others".into(), ..ring() }).await.expect("it is published");
    world.disk(Disk::StandsStill);
    let mut committed = pin!(world.succeed(first, vec![]));
    assert!(committed.as_mut().now_or_never().is_none());
    assert_eq!(world.waits(pin!(world.claim())).await, 1);
    committed.await;
}

#[tokio::test]
async fn r24_a_cancelled_job_is_durable_when_it_is_answered() {
    let world = World::new();
    let id = world.publish(ring()).await.expect("it is published");
    world.disk(Disk::StandsStill);
    let failure = Failure::new(FailureKind::Cancelled, "cancelled", "called off");
    let cancelled = world.store.cancel(vec![id], failure, Timestamp::UNIX_EPOCH);
    let answer = world.waits(pin!(cancelled)).await.expect("it is cancelled");
    assert_eq!(answer, [Changed::Done(vec![id])]);
}

#[tokio::test]
async fn what_another_process_has_published_begins_when_it_is_durable() {
    let world = World::new();
    world.other().submit(vec![], vec![ring()]).await.expect("it is published");
    world.disk(Disk::StandsStill);
    assert_eq!(world.waits(pin!(world.claim())).await, 1);
}

#[tokio::test]
async fn nothing_is_taken_after_the_disk_has_failed() {
    let world = World::new();
    world.disk(Disk::Fails);
    let error = world.publish(ring()).await.expect_err("the disk does not have it");
    assert!(error.to_string().contains("the disk has failed to confirm a write"), "{error}");

    // Which of the latest writes are on the disk cannot be known from here on, even if it works again.
    world.disk(Disk::Works);
    for job in [ring(), started()] {
        let error = world.publish(job).await.expect_err("nothing is taken any more");
        assert!(error.to_string().contains("open the store anew"), "{error}");
    }
}
