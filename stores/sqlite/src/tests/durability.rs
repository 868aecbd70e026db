//! Which results wait for fsync. The disk of these tests can be made to hang and to fail.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use enact::store::{
    Changed, Claim, Claimable, Commit, Cursor, NewEvent, NewJob, Next, Start, Store, StoreError,
};
use enact::{
    Attempt, CorrelationId, EventId, Failure, FailureKind, JobId, JobKind, JobState, Json, Key, WorkerId,
};
use futures_util::FutureExt;
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use crate::SqliteStore;
use crate::open::open_with;
use crate::options::{Options, Synchronous};
use crate::wal_file;
use crate::wal_sync::WalSync;

#[derive(Clone, Copy, PartialEq)]
enum Disk {
    Works,
    /// fsync does not return.
    Hangs,
    Fails,
}

struct World {
    disk: Arc<(Mutex<Disk>, Condvar)>,
    /// Receives a message for each fsync.
    syncs: Arc<Mutex<Receiver<()>>>,
    store: SqliteStore,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let disk = Arc::new((Mutex::new(Disk::Works), Condvar::new()));
        let folder = tempfile::tempdir().expect("a folder");
        let (sender, syncs) = mpsc::channel();
        let syncs = Arc::new(Mutex::new(syncs));
        let shared = disk.clone();
        let start_sync = |database: &Path| {
            let sync = move || {
                let _ = sender.send(());
                let (disk, changed) = &*shared;
                let disk = disk.lock().expect("no panic");
                match *changed.wait_while(disk, |disk| *disk == Disk::Hangs).expect("no panic") {
                    Disk::Fails => Err(io::Error::other("a bad sector")),
                    _ => Ok(()),
                }
            };
            Ok(Some(WalSync::start(sync, database).expect("a thread")))
        };
        let options = Options {
            path: folder.path().join("db"),
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(5),
            max_size: None,
            file_mode: 0o600,
        };
        let store = open_with(&options, rusqlite::version_number(), start_sync).expect("a store");
        Self { disk, syncs, store, folder }
    }

    fn disk(&self, disk: Disk) {
        *self.disk.0.lock().expect("no panic") = disk;
        self.disk.1.notify_all();
    }

    /// The same file, opened by another process whose disk works.
    fn other(&self) -> SqliteStore {
        SqliteStore::open(self.folder.path().join("db")).expect("the file is opened")
    }

    async fn publish(&self, job: NewJob) -> Result<JobId, StoreError> {
        let id = job.id;
        self.store.submit(vec![], vec![job]).await.map(|_| id)
    }

    /// Returns the number of claimed jobs.
    async fn claim(&self) -> usize {
        let names = Arc::new([(RING.into(), Claimable { queue: 0, entity: None })].into());
        let claim = Claim { worker: worker(), names, room: vec![9], batch: 0, now: Timestamp::UNIX_EPOCH };
        self.store.claim(claim).await.expect("jobs are claimed").jobs.len()
    }

    async fn succeed(&self, job: JobId, staged: Vec<NewJob>) {
        let mut attempt = Attempt::begun(1, worker(), Timestamp::UNIX_EPOCH);
        attempt.ended_at = Some(Timestamp::UNIX_EPOCH);
        let next = Next::Succeeded(Json::from_text("null"));
        let commit = Commit { jobs: staged, ..Commit::ending(job, attempt, next) };
        self.store.commit(commit).await.expect("it is committed");
    }

    /// The call is committed, but returns only when the disk works again.
    async fn waits<T>(&self, mut call: Pin<&mut impl Future<Output = T>>) -> T {
        assert!(call.as_mut().now_or_never().is_none());
        // This is queued after the call and does not wait for fsync.
        self.publish(started()).await.expect("it is published");
        assert!(call.as_mut().now_or_never().is_none(), "it returned before fsync");
        self.disk(Disk::Works);
        call.await
    }
}

impl Drop for World {
    /// The store is dropped next and finishes its queue.
    fn drop(&mut self) {
        self.disk(Disk::Works);
    }
}

const RING: &str = "Ring";

fn worker() -> WorkerId {
    WorkerId::from_text("w")
}

fn job(name: &str) -> NewJob {
    let id = Uuid::now_v7().to_string().parse().expect("a UUID is an id");
    let payload = Json::from_text("{}");
    let job = NewJob::new(id, JobKind::Command, name, payload, Timestamp::UNIX_EPOCH);
    NewJob { repeatable: true, ..job }
}

fn ring() -> NewJob {
    job(RING)
}

fn started() -> NewJob {
    NewJob { start: Some(Start::Running(worker())), ..ring() }
}

fn ring_once() -> NewJob {
    NewJob { repeatable: false, ..ring() }
}

fn in_lane() -> NewJob {
    let mut job = ring();
    job.order_key = Some(Key::from_text("x"));
    job
}

#[tokio::test]
async fn r02_a_published_job_is_durable_when_publish_returns() {
    let world = World::new();
    world.disk(Disk::Hangs);
    world.waits(pin!(world.publish(ring()))).await.expect("it is published");
}

#[tokio::test]
async fn r01_an_attempt_that_starts_at_once_is_stored_before_it_is_durable() {
    let world = World::new();
    world.disk(Disk::Hangs);
    let id = world.publish(started()).await.expect("it is published");
    assert!(world.other().job(id).await.expect("a job is found").is_some());
    world.disk(Disk::Works);
}

#[tokio::test]
async fn r22_an_attempt_that_may_be_repeated_is_stored_before_it_is_durable() {
    let world = World::new();
    let id = world.publish(ring()).await.expect("it is published");
    world.disk(Disk::Hangs);
    assert_eq!(world.claim().await, 1);
    assert_eq!(world.other().attempts(id).await.expect("attempts are found").len(), 1);
    world.disk(Disk::Works);
}

#[tokio::test]
async fn r22_an_attempt_that_is_never_repeated_is_durable_before_it_runs() {
    let world = World::new();
    world.publish(ring_once()).await.expect("it is published");
    world.disk(Disk::Hangs);
    assert_eq!(world.waits(pin!(world.claim())).await, 1);

    let starts_at_once = NewJob { start: Some(Start::Running(worker())), ..ring_once() };
    world.disk(Disk::Hangs);
    world.waits(pin!(world.publish(starts_at_once))).await.expect("it is published");
}

#[tokio::test]
async fn r25_a_repeated_request_returns_when_the_first_is_durable() {
    let world = World::new();
    let under_key = || {
        let mut job = started();
        job.idempotency_key = Some(Key::from_text("k"));
        job
    };
    world.disk(Disk::Hangs);
    world.publish(under_key()).await.expect("it is published");
    world.waits(pin!(world.publish(under_key()))).await.expect("it is published");
}

#[tokio::test]
async fn a_write_that_no_caller_waits_for_is_synced_too() {
    let world = World::new();
    world.publish(started()).await.expect("it is published");
    let syncs = world.syncs.clone();
    tokio::task::spawn_blocking(move || {
        syncs.lock().expect("no panic").recv_timeout(Duration::from_secs(20))
    })
    .await
    .expect("no panic")
    .expect("fsync is called");
}

#[tokio::test]
async fn r18_a_staged_job_starts_when_the_commit_is_durable() {
    let world = World::new();
    let id = world.publish(started()).await.expect("it is published");
    world.publish(job("Others")).await.expect("it is published");
    world.disk(Disk::Hangs);
    let mut committed = pin!(world.succeed(id, vec![ring()]));
    assert!(committed.as_mut().now_or_never().is_none());
    assert_eq!(world.waits(pin!(world.claim())).await, 1);
    committed.await;
}

#[tokio::test]
async fn r26_the_next_job_of_a_lane_starts_when_the_end_of_the_first_is_durable() {
    let world = World::new();
    let first = world.publish(in_lane()).await.expect("it is published");
    world.publish(in_lane()).await.expect("it is published");
    assert_eq!(world.claim().await, 1);
    world.publish(job("Others")).await.expect("it is published");
    world.disk(Disk::Hangs);
    let mut committed = pin!(world.succeed(first, vec![]));
    assert!(committed.as_mut().now_or_never().is_none());
    assert_eq!(world.waits(pin!(world.claim())).await, 1);
    committed.await;
}

#[tokio::test]
async fn r26_a_successor_starts_when_the_success_of_its_predecessor_is_durable() {
    let world = World::new();
    let first = world.publish(ring()).await.expect("it is published");
    let mut successor = ring();
    successor.after = vec![first];
    world.publish(successor).await.expect("it is published");
    assert_eq!(world.claim().await, 1);
    world.publish(job("Others")).await.expect("it is published");
    world.disk(Disk::Hangs);
    let mut committed = pin!(world.succeed(first, vec![]));
    assert!(committed.as_mut().now_or_never().is_none());
    assert_eq!(world.waits(pin!(world.claim())).await, 1);
    committed.await;
}

#[tokio::test]
async fn r24_a_cancellation_is_durable_when_cancel_returns() {
    let world = World::new();
    let id = world.publish(ring()).await.expect("it is published");
    world.disk(Disk::Hangs);
    let failure = Failure::new(FailureKind::Cancelled, "cancelled", "cancelled");
    let cancelled = world.store.cancel(vec![id], failure, Timestamp::UNIX_EPOCH);
    let changed = world.waits(pin!(cancelled)).await.expect("it is cancelled");
    assert_eq!(changed, [Changed::Done(vec![id])]);
}

#[tokio::test]
async fn a_job_that_another_process_published_starts_when_it_is_durable() {
    let world = World::new();
    world.other().submit(vec![], vec![ring()]).await.expect("it is published");
    world.disk(Disk::Hangs);
    assert_eq!(world.waits(pin!(world.claim())).await, 1);
}

impl World {
    async fn emit(&self) -> EventId {
        emit(&self.store).await
    }

    async fn events(&self, after: &Cursor) -> Result<Vec<EventId>, StoreError> {
        let events = self.store.events(after, 9).await?;
        Ok(events.into_iter().map(|event| event.id).collect())
    }

    /// The cursor after all events.
    async fn end(&self) -> Cursor {
        let mut cursor = Cursor::START;
        while let Some(last) = self.store.events(&cursor, 9).await.expect("events are read").last() {
            cursor = last.cursor.clone();
        }
        cursor
    }

    /// The number of fsyncs since the last call.
    fn syncs(&self) -> usize {
        self.syncs.lock().expect("no panic").try_iter().count()
    }

    /// Reads and waits for no disk.
    async fn returns<T>(&self, call: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), call).await.expect("it does not wait for fsync")
    }

    /// The call has read, but returns only when the disk works again.
    async fn reads_and_waits<T>(&self, mut call: Pin<&mut impl Future<Output = T>>) -> T {
        assert!(call.as_mut().now_or_never().is_none());
        // The thread that reads replies in order: then the call has read, too.
        for _ in 0..10 {
            self.store.count_live().await.expect("names are counted");
            assert!(call.as_mut().now_or_never().is_none(), "it returned before fsync");
        }
        self.disk(Disk::Works);
        self.returns(call).await
    }
}

async fn emit(store: &SqliteStore) -> EventId {
    let id = Uuid::now_v7().to_string().parse().expect("a UUID is an id");
    let event = NewEvent {
        id,
        name: "rang".into(),
        payload: Json::from_text("{}"),
        correlation: CorrelationId::new("c"),
        cause: None,
        emitted_at: Timestamp::UNIX_EPOCH,
    };
    store.submit(vec![event], vec![]).await.expect("it is emitted");
    id
}

#[tokio::test]
async fn r18_an_event_is_read_when_it_is_durable() {
    let world = World::new();
    world.disk(Disk::Hangs);
    let mut emitted = pin!(world.emit());
    assert!(emitted.as_mut().now_or_never().is_none());
    // The event is committed.
    world.publish(started()).await.expect("it is published");
    let read = world.reads_and_waits(pin!(world.events(&Cursor::START))).await.expect("events are read");
    assert_eq!(read, [emitted.await]);
}

#[tokio::test]
async fn r18_the_events_that_are_durable_are_read_without_the_later_ones() {
    let world = World::new();
    let durable = [world.emit().await, world.emit().await];
    world.disk(Disk::Hangs);
    let mut emitted = pin!(world.emit());
    assert!(emitted.as_mut().now_or_never().is_none());
    world.publish(started()).await.expect("it is published");
    let read = world.returns(world.events(&Cursor::START)).await;
    assert_eq!(read.expect("events are read"), durable);

    world.disk(Disk::Works);
    let later = emitted.await;
    let read = world.returns(world.events(&Cursor::START)).await;
    assert_eq!(read.expect("events are read"), [durable[0], durable[1], later]);
}

#[tokio::test]
async fn r18_the_events_of_another_process_are_read_after_one_fsync() {
    let world = World::new();
    let other = world.other();
    let emitted = [emit(&other).await, emit(&other).await];
    world.disk(Disk::Hangs);
    let read = world.reads_and_waits(pin!(world.events(&Cursor::START))).await.expect("events are read");
    assert_eq!(read, emitted);
    assert_eq!(world.syncs(), 1);
    world.disk(Disk::Hangs);
    let read = world.returns(world.events(&Cursor::START)).await.expect("events are read");
    assert_eq!(read, emitted, "it is known that they are durable");
}

#[tokio::test]
async fn r18_a_reader_of_a_long_log_waits_once() {
    let world = World::new();
    let other = world.other();
    for _ in 0..20 {
        emit(&other).await;
    }
    world.end().await;
    assert_eq!(world.syncs(), 1);
}

#[tokio::test]
async fn r18_reading_at_the_end_calls_no_fsync() {
    let world = World::new();
    world.emit().await;
    emit(&world.other()).await;
    let end = world.end().await;
    world.syncs();
    world.disk(Disk::Hangs);
    for _ in 0..10 {
        assert_eq!(world.returns(world.events(&end)).await.expect("events are read"), []);
    }
    assert_eq!(world.syncs(), 0);
}

#[tokio::test]
async fn r18_no_event_is_read_whose_fsync_fails() {
    let world = World::new();
    let durable = world.emit().await;
    emit(&world.other()).await;
    world.fails().await;
    world.disk(Disk::Works);
    assert_eq!(world.events(&Cursor::START).await.expect("events are read"), [durable]);
    let first = world.store.events(&Cursor::START, 1).await.expect("events are read").remove(0).cursor;
    let error = world.events(&first).await.expect_err("the log is in doubt");
    assert!(error.to_string().contains("fsync failed"), "{error}");
    world.recovers().await;
    assert_eq!(world.events(&first).await.expect("events are read").len(), 1);
}

#[tokio::test]
async fn r18_a_job_has_ended_when_its_end_is_durable() {
    let world = World::new();
    let id = world.publish(ring()).await.expect("it is published");
    assert_eq!(world.claim().await, 1);
    world.disk(Disk::Hangs);
    let job = world.returns(world.store.job(id)).await.expect("a job is found").expect("it is stored");
    assert_eq!(job.state, JobState::Running);

    let mut committed = pin!(world.succeed(id, vec![]));
    assert!(committed.as_mut().now_or_never().is_none());
    world.publish(started()).await.expect("it is published");
    let found = world.reads_and_waits(pin!(world.store.job(id))).await.expect("a job is found");
    assert_eq!(found.map(|job| job.state), Some(JobState::Succeeded));
    committed.await;
    world.disk(Disk::Hangs);
    let states = world.reads_and_waits(pin!(world.store.states(vec![id]))).await.expect("states are read");
    assert_eq!(states, [Some(JobState::Succeeded)]);
}

impl World {
    fn log(&self) -> PathBuf {
        self.folder.path().join("db-wal")
    }

    fn unsynced(&self) -> PathBuf {
        self.folder.path().join("db-unsynced")
    }

    /// A write whose fsync fails.
    async fn fails(&self) -> JobId {
        let job = ring();
        let id = job.id;
        self.disk(Disk::Fails);
        let error = self.publish(job).await.expect_err("fsync fails");
        assert!(error.to_string().contains("fsync failed"), "{error}");
        assert!(self.unsynced().exists());
        id
    }

    /// Publishes until it is accepted: tries to recover have pauses.
    async fn recovers(&self) -> JobId {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            match self.publish(ring()).await {
                Ok(id) => return id,
                Err(error) => assert!(Instant::now() < patience, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn has(&self, id: JobId) -> bool {
        self.other().job(id).await.expect("a job is found").is_some()
    }

    /// Closes the store and opens the file again, with a disk that works.
    fn reopened(self) -> (SqliteStore, TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["db", "db-wal", "db-unsynced"] {
            // A copy: the store closes its files when it is dropped.
            let _ = fs::copy(self.folder.path().join(name), folder.path().join(name));
        }
        drop(self);
        (SqliteStore::open(folder.path().join("db")).expect("the file is opened"), folder)
    }
}

#[tokio::test]
async fn no_write_is_accepted_while_fsync_fails() {
    let world = World::new();
    world.fails().await;
    for job in [ring(), started()] {
        let error = world.publish(job).await.expect_err("no write is accepted");
        assert!(error.to_string().contains("has written its log again"), "{error}");
    }
    assert!(world.unsynced().exists());
}

#[tokio::test]
async fn r02_the_store_goes_on_when_fsync_works_again() {
    let world = World::new();
    let before = world.publish(ring()).await.expect("it is published");
    let in_doubt = world.fails().await;
    world.disk(Disk::Works);
    let after = world.recovers().await;
    assert!(!world.unsynced().exists());
    for id in [before, in_doubt, after] {
        assert!(world.has(id).await);
    }
    assert_eq!(world.claim().await, 3);
    let (store, _folder) = world.reopened();
    for id in [before, in_doubt, after] {
        assert!(store.job(id).await.expect("a job is found").is_some());
    }
}

#[tokio::test]
async fn r02_a_log_from_which_a_page_was_dropped_is_not_built_on() {
    let world = World::new();
    let before = world.publish(ring()).await.expect("it is published");
    let end = wal_file::read(&mut File::open(world.log()).expect("a log")).expect("it is read").end;
    world.fails().await;
    // The system has dropped a page that was not on the disk. What is read now is what the disk has.
    let mut log = File::options().write(true).open(world.log()).expect("a log");
    log.seek(SeekFrom::Start(end)).expect("it has a position");
    log.write_all(&[0; 4096]).expect("it is written");
    world.disk(Disk::Works);
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let error = world.publish(ring()).await.expect_err("no write is accepted");
        if error.to_string().contains("has dropped a part of the write-ahead log") {
            break;
        }
        assert!(Instant::now() < patience, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.publish(ring()).await.expect_err("no write is accepted any more");
    assert!(world.unsynced().exists());

    let (store, _folder) = world.reopened();
    let id = ring().id;
    assert!(store.job(id).await.expect("the store works").is_none());
    assert!(store.job(before).await.expect("a job is found").is_some(), "what was confirmed is kept");
    store.submit(vec![], vec![ring()]).await.expect("writes are accepted again");
}

#[tokio::test]
async fn r02_a_store_that_is_opened_after_a_failed_fsync_recovers_first() {
    let world = World::new();
    world.fails().await;
    let log = fs::read(world.log()).expect("a log");
    let other = world.other();
    other.submit(vec![], vec![ring()]).await.expect("it is published");
    assert!(!world.unsynced().exists());
    assert_eq!(fs::read(world.log()).expect("a log")[..log.len()], log[..]);
}

#[test]
fn a_log_is_written_again_as_it_is_up_to_the_first_frame_that_is_not_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = rusqlite::Connection::open(folder.path().join("db")).expect("a database");
    connection.pragma_update(None, "journal_mode", "wal").expect("a log");
    let mut ends = Vec::new();
    let path = folder.path().join("db-wal");
    for statement in
        ["CREATE TABLE t(x)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (randomblob(20000))"]
    {
        connection.execute_batch(statement).expect("it is executed");
        let log = wal_file::read(&mut File::open(&path).expect("a log")).expect("it is read");
        assert_eq!(log.end, fs::metadata(&path).expect("a log").len(), "{statement}");
        ends.push(log.end);
    }
    let bytes = fs::read(&path).expect("a log");
    let rewrite = || {
        let mut log = File::options().read(true).write(true).open(&path).expect("a log");
        log.set_modified(SystemTime::UNIX_EPOCH).expect("its time is set");
        let end = wal_file::rewrite(&mut log).expect("it is written").end;
        assert!(log.metadata().expect("a log").modified().expect("a time") > SystemTime::UNIX_EPOCH);
        end
    };
    assert_eq!(rewrite(), ends[2]);
    assert_eq!(fs::read(&path).expect("a log"), bytes);
    for (end, at) in [(ends[1], ends[1] + 5000), (ends[0], ends[0] + 3), (0, 40)] {
        let mut damaged = bytes.clone();
        damaged[usize::try_from(at).expect("it is small")] ^= 1;
        fs::write(&path, &damaged).expect("it is written");
        assert_eq!(rewrite(), end);
        assert_eq!(fs::read(&path).expect("a log"), damaged);
    }
    fs::write(&path, &bytes).expect("it is written");
}
