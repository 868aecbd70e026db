//! The rows of a succeeded job (job, attempt, entity, event), written without the library: the baseline.

use std::path::Path;
use std::time::Duration;

use enact::clock::{Clock, SystemClock};
use enact_sqlite::SqliteStore;
use rusqlite::{CachedStatement, Connection, params};
use uuid::Uuid;

use crate::load::{ACCOUNTS, account};

const NAME: &str = "
    INSERT INTO names (id, kind, name, succeeded) VALUES (1, 'command', 'Deposit', ?1)
    ON CONFLICT DO UPDATE SET succeeded = succeeded + excluded.succeeded";

const JOB: &str = "
    INSERT INTO job_specs (id, name, created_at, target, correlation, priority, payload, depth)
    VALUES (?1, 1, ?2, ?3, ?1, 0, ?4, 0)";

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

/// A database with the store's schema, written to directly.
pub(crate) struct RawRows(Connection);

impl RawRows {
    pub(crate) fn in_file(path: &Path) -> Self {
        drop(SqliteStore::open(path).unwrap());
        let database = Connection::open(path).unwrap();
        database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").unwrap();
        Self(database)
    }

    /// Writes the rows of some deposits in one transaction.
    pub(crate) fn write(&mut self, numbers: impl IntoIterator<Item = usize>) {
        let Self(database) = self;
        let prepare = |sql: &str| -> CachedStatement<'_> { database.prepare_cached(sql).unwrap() };
        let (mut job, mut attempt, mut entity, mut event) =
            (prepare(JOB), prepare(ATTEMPT), prepare(ENTITY), prepare(EVENT));
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut count = 0;
        for number in numbers {
            count += 1;
            let now = SystemClock.now().as_microsecond();
            let account = account(number);
            let payload = format!(r#"{{"account":"{account}","cents":5}}"#);
            let body = format!(r#"{{"balance_cents":{},"id":"{account}"}}"#, (number / *ACCOUNTS + 1) * 5);
            let (job_id, event_id) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
            job.execute(params![job_id, now, account, payload]).unwrap();
            let seq = database.last_insert_rowid();
            attempt.execute(params![seq, now, format!(r#"["{event_id}"]"#)]).unwrap();
            entity.execute(params![account, body]).unwrap();
            event.execute(params![event_id, payload, job_id, now]).unwrap();
        }
        prepare(NAME).execute([count]).unwrap();
        database.execute_batch("COMMIT").unwrap();
    }

    /// Makes all rows so much older, and closes the file.
    #[allow(dead_code, reason = "only one benchmark prunes")]
    pub(crate) fn date_back(self, age: Duration) {
        let micros = i64::try_from(age.as_micros()).unwrap();
        let Self(database) = self;
        for update in [
            "UPDATE job_specs SET created_at = created_at - ?1",
            "UPDATE attempts SET started_at = started_at - ?1, ended_at = ended_at - ?1",
        ] {
            database.execute(update, [micros]).unwrap();
        }
        database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
}
