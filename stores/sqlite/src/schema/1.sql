-- Schema 1.
--
-- Times are microseconds since 1970, UTC. To read one: datetime(created_at / 1000000, 'unixepoch').
-- Payloads, entities, outputs, failures and contexts are JSON, ids and states are text.

-- AUTOINCREMENT: a place in the order is never given twice, whatever is deleted one day.
CREATE TABLE jobs (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    kind            TEXT    NOT NULL,  -- command, event_handler
    name            TEXT    NOT NULL,
    state           TEXT    NOT NULL,  -- waiting, ready, running, succeeded, failed, cancelled
    attempts        INTEGER NOT NULL,  -- begun so far
    worker          TEXT,              -- of the running attempt, as is the next
    started_at      INTEGER,
    created_at      INTEGER NOT NULL,
    due_at          INTEGER,           -- what a waiting job waits for; NULL: for its turn in its lane
    ended_at        INTEGER,           -- NULL: the job is live
    target          TEXT,
    order_key       TEXT,
    idempotency_key TEXT,
    correlation     TEXT    NOT NULL,
    cause           TEXT,              -- job/<id>, event/<id>
    context         TEXT,              -- NULL: nothing known
    payload         TEXT    NOT NULL,
    output          TEXT
) STRICT;

-- The indexes of live jobs hold nothing of the jobs that have ended, so no step of a job's life slows down as those add up.
CREATE INDEX jobs_live ON jobs (state, seq, name) WHERE ended_at IS NULL;
CREATE INDEX jobs_due ON jobs (due_at) WHERE state = 'waiting' AND due_at IS NOT NULL;
CREATE INDEX jobs_lane ON jobs (order_key, seq) WHERE ended_at IS NULL AND order_key IS NOT NULL;
CREATE UNIQUE INDEX jobs_idempotency_key ON jobs (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_correlation ON jobs (correlation);

-- Attempts that have ended. A running one is in its job's row.
CREATE TABLE attempts (
    job             INTEGER NOT NULL,  -- jobs.seq
    number          INTEGER NOT NULL,
    worker          TEXT    NOT NULL,
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER NOT NULL,
    reached         TEXT,              -- the last step of the lifecycle; NULL: not known
    version_read    INTEGER,
    version_written INTEGER,
    events          TEXT,              -- their ids; NULL: none
    failure         TEXT,              -- NULL: it succeeded
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE entities (
    entity  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (entity, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    correlation TEXT    NOT NULL,
    cause       TEXT,                  -- the id of the job that emitted it; NULL: a caller at the boundary
    emitted_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE workers (
    id          TEXT PRIMARY KEY,
    lease_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
