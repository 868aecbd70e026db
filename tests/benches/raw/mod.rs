//! The rows of a succeeded job (job, attempt, entity, event) in the store's schema, written without the library.
//!
//! The payloads, bodies and ids are those that the library writes. Nothing is read, checked or serialized, no handler runs, and
//! no caller is woken.

use std::path::Path;
use std::time::Duration;

use enact::clock::{Clock, SystemClock};
use enact_sqlite::SqliteStore;
use rusqlite::{CachedStatement, Connection, params};
use uuid::Uuid;

use crate::load::ACCOUNTS;

const INSERT_NAME: &str = "INSERT OR IGNORE INTO names (id, kind, name) VALUES (?1, 'command', ?2)";

const NAME: &str = "UPDATE names SET succeeded = succeeded + ?2 WHERE id = ?1";

const JOB: &str = "
    INSERT INTO job_specs (id, name, created_at, target, correlation, priority, payload, depth)
    VALUES (?1, ?5, ?2, ?3, ?1, 0, ?4, 0)";

const ATTEMPT: &str = "
    INSERT INTO attempts (seq, number, worker, started_at, ended_at, reached, version_read, version_written,
        events, output)
    VALUES (?1, 1, '4711-0193a0b0c0d07000800090a0b0c0d0e0', ?2, ?2, 'commit', 1, 2, ?3, 'null')";

const ENTITY: &str = "
    INSERT INTO entities (entity, id, version, body) VALUES ('Account', ?1, 1, ?2)
    ON CONFLICT DO UPDATE SET version = version + 1, body = excluded.body";

const EVENT: &str = "
    INSERT INTO events (id, name, payload, correlation, cause, emitted_at)
    VALUES (?1, 'MoneyDeposited', ?2, ?3, ?3, ?4)";

const WAITING: &str = "
    INSERT INTO waiting (seq, name, attempts, spent, blocked_in_lane, pending, due_at)
    VALUES (?1, ?2, 0, 0, 0, 0, ?3)";

const WAITING_NAME: &str = "UPDATE names SET waiting = waiting + ?2 WHERE id = ?1";

/// What the jobs of a load work on.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) accounts: usize,
    /// The size of an account's note.
    pub(crate) account_bytes: usize,
    /// The number of commands.
    pub(crate) names: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { accounts: *ACCOUNTS, account_bytes: 0, names: 1 }
    }
}

impl Shape {
    /// The account of a job. Successive jobs have accounts that are far from each other in the database.
    pub(crate) fn account(&self, job: usize) -> String {
        // A prime.
        const STEP: usize = 2_654_435_761;
        format!("a-{}", job.wrapping_mul(STEP) % self.accounts)
    }
}

/// A database with the store's schema, written to directly.
pub(crate) struct RawRows {
    database: Connection,
    shape: Shape,
    note: String,
}

impl RawRows {
    #[allow(dead_code, reason = "one benchmark has shapes of its own")]
    pub(crate) fn in_file(path: &Path) -> Self {
        Self::of_shape(path, Shape::default())
    }

    /// A commit waits for its fsync. Other settings are as in the store.
    pub(crate) fn of_shape(path: &Path, shape: Shape) -> Self {
        drop(SqliteStore::open(path).unwrap());
        let database = connect(path);
        for name in 0..shape.names {
            database
                .execute(INSERT_NAME, params![integer(name + 1), command_name(name, shape.names)])
                .unwrap();
        }
        Self { database, shape, note: note(shape) }
    }

    #[allow(dead_code, reason = "only one benchmark measures baselines")]
    pub(crate) fn database(&self) -> &Connection {
        &self.database
    }

    /// Writes the rows of some deposits in one transaction.
    pub(crate) fn write(&self, numbers: impl IntoIterator<Item = usize>) {
        let Self { database, shape, note } = self;
        let prepare = |sql: &str| -> CachedStatement<'_> { database.prepare_cached(sql).unwrap() };
        let (mut job, mut attempt, mut entity, mut event) =
            (prepare(JOB), prepare(ATTEMPT), prepare(ENTITY), prepare(EVENT));
        prepare("BEGIN IMMEDIATE").execute([]).unwrap();
        let mut counts = vec![0_i64; shape.names];
        for number in numbers {
            let name = number % shape.names;
            counts[name] += 1;
            let now = SystemClock.now().as_microsecond();
            let account = shape.account(number);
            let (payload, body) = (payload(&account), body(&account, number, note));
            let (job_id, event_id) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
            job.execute(params![job_id, now, account, payload, integer(name + 1)]).unwrap();
            let seq = database.last_insert_rowid();
            attempt.execute(params![seq, now, format!(r#"["{event_id}"]"#)]).unwrap();
            entity.execute(params![account, body]).unwrap();
            event.execute(params![event_id, payload, job_id, now]).unwrap();
        }
        let mut name = prepare(NAME);
        for (index, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            name.execute([integer(index + 1), count]).unwrap();
        }
        prepare("COMMIT").execute([]).unwrap();
    }

    /// Writes all accounts.
    #[allow(dead_code, reason = "only one benchmark measures baselines")]
    pub(crate) fn write_accounts(&self) {
        let Self { database, shape, note } = self;
        let mut entity = database.prepare_cached(ENTITY).unwrap();
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        for number in 0..shape.accounts {
            let account = shape.account(number);
            entity.execute(params![account, body(&account, number, note)]).unwrap();
        }
        database.execute_batch("COMMIT").unwrap();
    }

    /// Writes jobs that wait for a time, which is tomorrow or later.
    #[allow(dead_code, reason = "only one benchmark measures baselines")]
    pub(crate) fn write_waiting(&self, jobs: usize) {
        let Self { database, shape, .. } = self;
        let prepare = |sql: &str| -> CachedStatement<'_> { database.prepare_cached(sql).unwrap() };
        let (mut job, mut waiting) = (prepare(JOB), prepare(WAITING));
        let tomorrow = (SystemClock.now() + Duration::from_hours(24)).as_microsecond();
        let mut due_at = tomorrow..;
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        for number in 0..jobs {
            let account = shape.account(number);
            let now = SystemClock.now().as_microsecond();
            job.execute(params![Uuid::now_v7().to_string(), now, account, payload(&account), 1]).unwrap();
            waiting.execute(params![database.last_insert_rowid(), 1, due_at.next()]).unwrap();
        }
        prepare(WAITING_NAME).execute([1, integer(jobs)]).unwrap();
        database.execute_batch("COMMIT").unwrap();
    }

    /// Makes all rows so much older, and closes the file.
    #[allow(dead_code, reason = "only one benchmark prunes")]
    pub(crate) fn date_back(self, age: Duration) {
        let micros = i64::try_from(age.as_micros()).unwrap();
        for update in [
            "UPDATE job_specs SET created_at = created_at - ?1",
            "UPDATE attempts SET started_at = started_at - ?1, ended_at = ended_at - ?1",
        ] {
            self.database.execute(update, [micros]).unwrap();
        }
        self.database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
}

/// Opens a file as the store does, except that a commit waits for its fsync.
pub(crate) fn connect(path: &Path) -> Connection {
    let database = Connection::open(path).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA cache_size = -16384;
            PRAGMA temp_store = memory;
            PRAGMA wal_autocheckpoint = 4000;
            PRAGMA journal_size_limit = 32768000;",
        )
        .unwrap();
    database
}

pub(crate) fn payload(account: &str) -> String {
    format!(r#"{{"account":"{account}","cents":5}}"#)
}

pub(crate) fn body(account: &str, number: usize, note: &str) -> String {
    format!(r#"{{"balance_cents":{},"id":"{account}","note":"{note}"}}"#, 5 * (number + 1))
}

pub(crate) fn note(shape: Shape) -> String {
    "x".repeat(shape.account_bytes)
}

pub(crate) fn integer(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

fn command_name(index: usize, names: usize) -> String {
    if names == 1 { "Deposit".to_owned() } else { format!("D{index:02}") }
}
