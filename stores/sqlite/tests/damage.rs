//! A row that cannot be read affects its own record only: every column of every table is damaged in turn, in a file whose
//! other rows are good ([r07](enact::rules#r07)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use enact::store::{
    Changed, Claim, Claimable, Commit, Cursor, JobQuery, Lease, NewJob, NewTick, Next, Prune, Release, Start,
    Store, Submitted, unreadable_job,
};
use enact::{Attempt, Failure, FailureKind, Job, JobId, JobState, Json, Key, WorkerId};
use enact_sqlite::{SqliteStore, Synchronous};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};
use tokio::task::JoinHandle;

use common::{after, claim_of, in_lane, new_job, second, started, success, worker};

/// What a text or a number may be damaged to. What is in the domain of its column, such as another number, is no damage.
const TEXTS: [&str; 3] = ["CAST(x'ff00fe41' AS TEXT)", "'{'", "'\"x\"'"];
const NUMBERS: [&str; 3] = ["-7", "9223372036854775807", "-9223372036854775808"];

/// Columns that hold any text: only one that is not UTF-8 is damaged.
const ANY_TEXT: &[&str] = &[
    "name",
    "target",
    "order_key",
    "idempotency_key",
    "correlation",
    "worker",
    "entity",
    "cause",
    "id",
    "payload",
];

fn open(path: &Path) -> SqliteStore {
    SqliteStore::builder(path).synchronous(Synchronous::Normal).open().expect("the file is opened")
}

/// A file with jobs in every state and rows in every table.
struct Template {
    folder: TempDir,
    jobs: usize,
}

impl Template {
    async fn new() -> Self {
        let folder = tempdir().expect("a folder");
        let path = folder.path().join("template.db");
        let store = open(&path);
        let (dead, done) = (worker("dead"), worker("done"));
        store
            .renew(Lease { worker: dead.clone(), renewals: 3, length: Duration::from_secs(10) })
            .await
            .unwrap();

        let ended: Vec<_> = (0..6).map(|_| new_job("withdraw")).collect();
        let mut jobs: Vec<NewJob> = ended.clone();
        store.submit(vec![], ended.clone()).await.unwrap();
        store.claim(claim_of(&done, 6, second(0))).await.unwrap();
        for (index, job) in ended.iter().enumerate() {
            let mut commit = success(job, &done, &format!("a-{index}"));
            if index % 2 == 1 {
                let failure = Failure::new(FailureKind::Error, "error", "no");
                commit.attempt.failure = Some(failure);
                (commit.next, commit.write, commit.events) = (Next::Failed, None, vec![]);
            }
            store.commit(commit).await.unwrap();
        }

        let unreleased = in_lane("unreleased");
        store.submit(vec![], vec![unreleased.clone()]).await.unwrap();
        store.claim(claim_of(&dead, 1, second(0))).await.unwrap();
        store.cancel(vec![unreleased.id], cancellation(), second(1)).await.unwrap();
        let running: Vec<_> = (0..4).map(|index| in_lane(&format!("running-{index}"))).collect();
        store.submit(vec![], running.clone()).await.unwrap();
        store.claim(claim_of(&dead, 4, second(0))).await.unwrap();
        let mut lines: Vec<_> = (0..4).map(|_| new_job("deposit")).collect();
        lines[3].order_key = Some(Key::from_text("line"));
        store.submit(vec![], lines.clone()).await.unwrap();
        let behind = in_lane("line");
        store.submit(vec![], vec![behind.clone()]).await.unwrap();
        let claimed = store.claim(claim_all(&dead, 4, second(0))).await.unwrap();
        assert_eq!(claimed.jobs.len(), 1);
        jobs.extend(lines);
        jobs.push(behind);
        let held = NewJob { start: Some(Start::Held(dead.clone())), ..new_job("withdraw") };

        let executing = started("withdraw", &dead);
        let cancelled = new_job("withdraw");
        let mut keyed = new_job("withdraw");
        keyed.idempotency_key = Some(Key::from_text("key"));
        let mut more = vec![held, executing, cancelled.clone(), keyed.clone()];
        more.extend((0..10).map(|_| new_job("withdraw")));
        more.extend((0..4).map(|_| in_lane("lane")));
        more.extend((0..2).map(|index| in_lane(&format!("running-{index}"))));
        more.extend((0..3).map(|at| NewJob { due_at: Some(second(10 + at)), ..new_job("withdraw") }));
        more.extend((0..3).map(|_| after(keyed.id, new_job("withdraw"))));
        more.push(in_lane("unreleased"));
        store.submit(vec![], more.clone()).await.unwrap();
        store.cancel(vec![cancelled.id], cancellation(), second(1)).await.unwrap();
        jobs.push(unreleased);
        jobs.extend(running);
        jobs.extend(more);
        let tick = NewTick {
            schedule: "nightly".into(),
            aliases: &[],
            last: None,
            at: second(0),
            unless_running: false,
            jobs: vec![],
        };
        store.tick(tick).await.unwrap();
        drop(store);

        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("INSERT INTO sequences VALUES ('job_specs', 40), ('events', 3); PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        Self { folder, jobs: jobs.len() }
    }

    /// A copy with one damaged cell; `None` if the database does not accept the damage.
    fn damaged(&self, number: usize, case: &Case) -> Option<PathBuf> {
        let path = self.folder.path().join(format!("damaged-{number}.db"));
        fs::copy(self.folder.path().join("template.db"), &path).unwrap();
        let connection = Connection::open(&path).unwrap();
        let changed = connection.execute_batch(&format!(
            "UPDATE {} SET {} = {} WHERE {}",
            case.table, case.column, case.value, case.row
        ));
        changed.ok()?;
        Some(path)
    }
}

#[derive(Debug)]
struct Case {
    table: &'static str,
    column: String,
    row: String,
    value: &'static str,
    /// The id of the job that the row belongs to.
    job: Option<String>,
}

/// Each column of each table, in a row of each kind, by each damage.
fn cases(path: &Path) -> Vec<Case> {
    let connection = Connection::open(path).unwrap();
    let all = |sql: &str| -> Vec<i64> {
        let mut select = connection.prepare(sql).unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let middle = |sql: &str| {
        let found = all(sql);
        assert!(!found.is_empty(), "{sql}");
        vec![found[found.len() / 2]]
    };
    let mut specs = Vec::new();
    for state in ["waiting", "ready", "running", "succeeded", "failed", "cancelled"] {
        specs.extend(middle(&format!("SELECT seq FROM jobs WHERE state = '{state}'")));
    }
    specs.extend(middle("SELECT seq FROM job_specs WHERE idempotency_key IS NOT NULL"));
    specs.extend(middle("SELECT seq FROM ready WHERE order_key IS NOT NULL"));
    let mut waiting = middle("SELECT seq FROM waiting WHERE due_at IS NOT NULL");
    waiting.extend(middle("SELECT seq FROM waiting WHERE pending > 0"));
    waiting.extend(middle("SELECT seq FROM waiting WHERE blocked_in_lane = 1 AND pending = 0"));
    let mut running = all("SELECT seq FROM running")[..2].to_vec();
    running.extend(middle("SELECT seq FROM running"));
    let mut ready = middle("SELECT seq FROM ready WHERE order_key IS NULL AND in_line = 0");
    ready.extend(middle("SELECT seq FROM ready WHERE order_key IS NOT NULL AND in_line = 0"));
    ready.extend(middle("SELECT seq FROM ready WHERE order_key IS NULL AND in_line = 1"));
    ready.extend(middle("SELECT seq FROM ready WHERE order_key IS NOT NULL AND in_line = 1"));
    running.extend(middle("SELECT seq FROM running WHERE entity IS NOT NULL"));
    running.extend(middle("SELECT seq FROM running WHERE begun = 0"));
    running.extend(middle("SELECT seq FROM running WHERE cancelled = 1"));
    let mut attempts = middle("SELECT seq FROM attempts WHERE output IS NULL");
    attempts.extend(middle("SELECT seq FROM attempts WHERE output IS NOT NULL"));
    let rows: [(&str, &str, Vec<i64>); 9] = [
        ("job_specs", "seq", specs),
        ("ready", "seq", ready),
        ("waiting", "seq", waiting),
        ("running", "seq", running),
        ("attempts", "seq", attempts),
        ("cancelled", "seq", all("SELECT seq FROM cancelled")),
        ("predecessors", "seq", middle("SELECT seq FROM predecessors")),
        ("lane_heads", "seq", middle("SELECT seq FROM lane_heads")),
        ("lane_tails", "seq", middle("SELECT seq FROM lane_tails")),
    ];
    let mut rows: Vec<(&str, String, Option<i64>)> = rows
        .into_iter()
        .flat_map(|(table, key, seqs)| {
            seqs.into_iter().map(move |seq| (table, format!("{key} = {seq}"), Some(seq)))
        })
        .collect();
    rows.push(("entities", "id = 'a-2'".into(), None));
    rows.push(("events", "position = 2".into(), None));
    for table in ["leases", "schedules", "names"] {
        rows.push((table, "TRUE".into(), None));
    }
    rows.push(("sequences", "name = 'job_specs'".into(), None));
    rows.push(("sequences", "name = 'events'".into(), None));

    let mut cases = Vec::new();
    for (table, row, job) in rows {
        let job = job.and_then(|seq| {
            let sql = "SELECT id FROM job_specs WHERE seq = ?1";
            connection.query_row(sql, [seq], |row| row.get::<_, String>(0)).ok()
        });
        let mut columns = connection.prepare(&format!("PRAGMA table_info({table})")).unwrap();
        let columns = columns.query_map([], |row| Ok((row.get(1)?, row.get(2)?))).unwrap();
        for (column, r#type) in columns.map(Result::<(String, String), _>::unwrap) {
            let values: &[_] = match &*r#type {
                "INTEGER" => &NUMBERS,
                _ if ANY_TEXT.contains(&&*column) => &TEXTS[..1],
                _ => &TEXTS,
            };
            let case = |value: &&'static str| {
                let (column, row, job) = (column.clone(), row.clone(), job.clone());
                Case { table, column, row, value, job }
            };
            cases.extend(values.iter().map(case));
        }
    }
    cases
}

fn cancellation() -> Failure {
    Failure::new(FailureKind::Cancelled, "cancelled", "cancelled")
}

fn ended(id: JobId, number: u32, worker: WorkerId, next: Next) -> Commit {
    let mut attempt = Attempt::begun(number, worker, second(20));
    attempt.ended_at = Some(second(20));
    if next == Next::Failed {
        attempt.failure = Some(Failure::new(FailureKind::Lost, "lost", "lost"));
    }
    Commit::ending(id, attempt, next)
}

/// A claim of the jobs named `withdraw`, and of those named `deposit`, which bind an account.
fn claim_all(worker: &WorkerId, room: usize, now: Timestamp) -> Claim {
    let claimable = |entity| Claimable { queue: 0, entity };
    let names = [("withdraw".into(), claimable(None)), ("deposit".into(), claimable(Some("account")))];
    Claim { names: Arc::new(names.into()), ..claim_of(worker, room, now) }
}

/// Rescues what dead workers run, and runs everything else to its end, as a runtime does.
async fn work(store: &SqliteStore) {
    let alive = worker("alive");
    for lease in store.leases().await.unwrap() {
        for running in store.running(&lease.worker, 1000).await.unwrap() {
            if matches!(running.job.state, JobState::Ready | JobState::Cancelled) {
                let is_held = running.job.state == JobState::Ready;
                let (job, number) = (running.job.id, running.job.attempts + u32::from(is_held));
                let lapsed = Some(lease.renewals);
                let release = Release { job, worker: running.worker, number, lapsed, hold: false };
                assert!(store.release(release).await.unwrap(), "{:?} is not released", running.job);
                continue;
            }
            let next = if running.job.unreadable.is_empty() { Next::Retry(second(20)) } else { Next::Failed };
            let commit = ended(running.job.id, running.job.attempts, running.worker, next);
            let rescued = store.commit(Commit { lapsed: Some(lease.renewals), ..commit }).await;
            rescued.unwrap_or_else(|error| panic!("{:?} is not rescued: {error}", running.job));
        }
        store.retire(&lease.worker, lease.renewals).await.unwrap();
    }
    // A claim that meets only rows to repair returns nothing; a worker claims again within a second.
    let mut idle = 0;
    while idle < 2 {
        let claimed = store.claim(claim_all(&alive, 3, second(30))).await.unwrap();
        for job in &claimed.unreadable {
            assert_eq!(
                (job.state, job.failure.clone()),
                (JobState::Failed, Some(unreadable_job(&job.unreadable)))
            );
        }
        for job in &claimed.jobs {
            let next = Next::Succeeded(Json::from_text("null"));
            store.commit(ended(job.id, job.attempts, alive.clone(), next)).await.unwrap();
        }
        idle = if claimed.jobs.is_empty() && claimed.unreadable.is_empty() { idle + 1 } else { 0 };
    }
}

async fn all_jobs(store: &SqliteStore) -> Vec<Job> {
    let mut query = JobQuery::new().limit(7);
    let mut all = Vec::new();
    loop {
        let page = store.jobs(&query).await.unwrap();
        all.extend(page.jobs);
        if page.next.is_none() {
            return all;
        }
        query = query.page(page.next);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r07_a_damaged_row_affects_its_own_record_only() {
    let template = Template::new().await;
    let cases = cases(&template.folder.path().join("template.db"));
    let (mut tried, mut tables, mut failed, mut running) = (0, BTreeSet::new(), Vec::new(), VecDeque::new());
    for (number, case) in cases.into_iter().enumerate() {
        let Some(path) = template.damaged(number, &case) else { continue };
        tried += 1;
        tables.insert(case.table);
        running.push_back((format!("{case:?}"), tokio::spawn(survive(path, template.jobs, case))));
        if running.len() == 8 {
            failed.extend(outcome(running.pop_front()).await);
        }
    }
    while !running.is_empty() {
        failed.extend(outcome(running.pop_front()).await);
    }
    assert!(failed.is_empty(), "{} of {tried} cases failed:\n{}", failed.len(), failed.join("\n"));
    assert!(tried > 200 && tables.len() == 15, "{tried} cases in {tables:?}");
}

/// The case, if it failed.
async fn outcome(case: Option<(String, JoinHandle<()>)>) -> Option<String> {
    let (name, survived) = case?;
    let panic = survived.await.err()?.into_panic();
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Some(format!("{name}: {}", text.unwrap_or_default()))
}

/// All calls succeed, and all other jobs end.
async fn survive(path: PathBuf, count: usize, case: Case) {
    let store = open(&path);
    read_everything(&store, count, &case).await;
    work(&store).await;

    let jobs = all_jobs(&store).await;
    let open: Vec<_> = jobs.iter().filter(|job| !job.state.has_ended()).collect();
    for job in &open {
        let is_own = case.job == Some(job.id.to_string()) || !job.unreadable.is_empty();
        // A job waits for a predecessor that has failed.
        let waits = job.after.iter().any(|id| case.job == Some(id.to_string()));
        if waits {
            continue;
        }
        assert!(is_own, "it keeps a job from ending that is {}", job.state);
    }

    let new = change_everything(&store, &jobs, &case).await;
    read_everything(&store, count + new, &case).await;
    drop(store);
    prune(&self::open(&path), &case).await;
}

async fn read_everything(store: &SqliteStore, jobs: usize, case: &Case) {
    let all = all_jobs(store).await;
    assert_eq!(all.len(), jobs, "{case:?}");
    for job in &all {
        assert!(store.job(job.id).await.unwrap().is_some(), "{case:?}: {job:?}");
        store.attempts(job.id).await.unwrap();
        serde_json::to_string(job).unwrap_or_else(|error| panic!("{case:?}: {error}"));
    }
    for state in JobState::ALL {
        store.jobs(&JobQuery::new().state(*state)).await.unwrap();
    }
    let counts = store.count_jobs().await.unwrap();
    // A job and its state that do not belong together any more are not counted once one of them is found to be alone.
    if case.column != "seq" {
        assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), jobs as u64, "{case:?}");
    }
    let events = store.events(&Cursor::START, 1000).await.unwrap();
    if case.table != "events" || case.column != "position" {
        assert!(events.len() >= 3, "{case:?} hides an event: {events:?}");
    }
    if case.column != "entity" {
        assert_eq!(store.entities("account", None, 100).await.unwrap().len(), 3, "{case:?}");
    }
    for lease in store.leases().await.unwrap() {
        store.running(&lease.worker, 100).await.unwrap();
    }
}

/// Changes by hand, and new jobs. Returns the number of new jobs.
async fn change_everything(store: &SqliteStore, jobs: &[Job], case: &Case) -> usize {
    let failed = jobs.iter().filter(|job| job.state == JobState::Failed).map(|job| job.id).collect();
    let retried = store.retry(failed).await.unwrap();
    let refused = retried.iter().filter(|changed| !matches!(changed, Changed::Done(_))).count();
    assert!(refused <= 1, "{case:?}: {retried:?}");
    let open = jobs.iter().filter(|job| !job.state.has_ended()).map(|job| job.id).collect();
    store.cancel(open, cancellation(), second(40)).await.unwrap();

    let mut keyed = new_job("withdraw");
    keyed.idempotency_key = Some(Key::from_text("another key"));
    keyed.max_queued = Some(100);
    let submitted = store.submit(vec![], vec![keyed, in_lane("lane")]).await.unwrap();
    assert_eq!(submitted, [Submitted::New, Submitted::New], "{case:?}");
    let mut same = new_job("withdraw");
    same.idempotency_key = Some(Key::from_text("key"));
    let submitted = store.submit(vec![], vec![same]).await.unwrap();
    work(store).await;
    // The key of a job that cannot be read may be free.
    2 + usize::from(submitted == [Submitted::New])
}

async fn prune(store: &SqliteStore, case: &Case) {
    let late = second(1000);
    let prune = Prune {
        succeeded_before: Some(late),
        failed_before: Some(late),
        cancelled_before: Some(late),
        now: late,
        after: None,
        limit: 1000,
    };
    let pruned = store.prune(prune).await.unwrap();
    assert!(pruned.deleted >= 20, "{case:?}: {pruned:?}");
    store.prune_events(late, late, 100).await.unwrap();
}
