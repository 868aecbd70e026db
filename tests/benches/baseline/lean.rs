//! The least that a job could write: one row with ids of 16 bytes and numbers instead of names and workers, beside its entity and its
//! event. Nothing of it could be listed by name, pruned by state or claimed.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use enact::clock::{Clock, SystemClock};
use rusqlite::{CachedStatement, Connection, params};
use uuid::Uuid;

use super::Rows;
use crate::raw::{Shape, body, connect, integer, note, payload};

const SCHEMA: &str = "
    CREATE TABLE jobs (
        seq        INTEGER PRIMARY KEY,
        id         BLOB    NOT NULL UNIQUE,
        name       INTEGER NOT NULL,
        state      INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        due_at     INTEGER,
        ended_at   INTEGER,
        worker     INTEGER,
        attempts   INTEGER NOT NULL,
        version    INTEGER,
        event      BLOB,
        target     TEXT    NOT NULL,
        payload    TEXT    NOT NULL,
        output     TEXT
    ) STRICT;
    CREATE TABLE entities (
        id      TEXT    PRIMARY KEY,
        version INTEGER NOT NULL,
        body    TEXT    NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        position   INTEGER PRIMARY KEY,
        id         BLOB    NOT NULL,
        name       INTEGER NOT NULL,
        job        INTEGER NOT NULL,
        emitted_at INTEGER NOT NULL,
        payload    TEXT    NOT NULL
    ) STRICT;";

const JOB: &str = "
    INSERT INTO jobs (id, name, state, created_at, ended_at, worker, attempts, version, event, target, payload, output)
    VALUES (?1, ?2, 3, ?3, ?3, 1, 1, 2, ?4, ?5, ?6, 'null')";

const WAITING: &str = "
    INSERT INTO jobs (id, name, state, created_at, due_at, attempts, target, payload)
    VALUES (?1, 1, 0, ?2, ?3, 0, ?4, ?5)";

const ENTITY: &str = "
    INSERT INTO entities (id, version, body) VALUES (?1, 1, ?2)
    ON CONFLICT DO UPDATE SET version = version + 1, body = excluded.body";

const EVENT: &str = "INSERT INTO events (id, name, job, emitted_at, payload) VALUES (?1, 1, ?2, ?3, ?4)";

pub(crate) struct LeanRows {
    database: Connection,
    shape: Shape,
    note: String,
}

impl LeanRows {
    fn prepare(&self, sql: &str) -> CachedStatement<'_> {
        self.database.prepare_cached(sql).unwrap()
    }
}

impl Rows for LeanRows {
    fn create(path: &Path, shape: Shape) -> Self {
        let rows = Self::open(path, shape);
        rows.database.execute_batch(SCHEMA).unwrap();
        rows.database.execute_batch("BEGIN IMMEDIATE").unwrap();
        for number in 0..shape.accounts {
            let account = shape.account(number);
            rows.prepare(ENTITY).execute([&account, &body(&account, number, &rows.note)]).unwrap();
        }
        rows.database.execute_batch("COMMIT").unwrap();
        rows
    }

    fn open(path: &Path, shape: Shape) -> Self {
        let database = connect(path);
        Self { database, shape, note: note(shape) }
    }

    fn database(&self) -> &Connection {
        &self.database
    }

    fn write(&self, numbers: Range<usize>) {
        let (mut job, mut entity, mut event) = (self.prepare(JOB), self.prepare(ENTITY), self.prepare(EVENT));
        self.prepare("BEGIN IMMEDIATE").execute([]).unwrap();
        for number in numbers {
            let now = SystemClock.now().as_microsecond();
            let account = self.shape.account(number);
            let (payload, body) = (payload(&account), body(&account, number, &self.note));
            let (job_id, event_id) = (Uuid::now_v7(), Uuid::now_v7());
            let name = integer(number % self.shape.names + 1);
            job.execute(params![job_id.as_bytes(), name, now, event_id.as_bytes(), account, payload])
                .unwrap();
            let seq = self.database.last_insert_rowid();
            entity.execute([account, body]).unwrap();
            event.execute(params![event_id.as_bytes(), seq, now, payload]).unwrap();
        }
        self.prepare("COMMIT").execute([]).unwrap();
    }

    fn write_waiting(&self, jobs: usize) {
        let mut waiting = self.prepare(WAITING);
        self.database.execute_batch("BEGIN IMMEDIATE").unwrap();
        let tomorrow = (SystemClock.now() + Duration::from_hours(24)).as_microsecond();
        for number in 0..jobs {
            let now = SystemClock.now().as_microsecond();
            let account = self.shape.account(number);
            let id = Uuid::now_v7();
            waiting.execute(params![id.as_bytes(), now, tomorrow, account, payload(&account)]).unwrap();
        }
        self.database.execute_batch("COMMIT").unwrap();
    }
}
