-- Schema 1.
--
-- Times are microseconds since 1970, UTC. To read one: datetime(created_at / 1000000, 'unixepoch').
-- Payloads, entities, outputs, failures and contexts are JSON, ids and states are text.

-- A job is spread over tables, after how long its parts last. What was asked for (`requests`) and what came of it
-- (`attempts`) are written once and stay. Where it stands while it lives is a small row that moves between `waiting`,
-- `ready` and `running`, and is gone when the job has ended: so no step of a job's life slows down as those that have
-- ended add up. The view `jobs` puts them together.

-- The last row is never deleted: the next one's place is behind it, and no place is given twice. So it is with `events`.
CREATE TABLE requests (
    seq             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    kind            TEXT    NOT NULL,  -- command, event_handler
    name            TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    target          TEXT,
    order_key       TEXT,
    idempotency_key TEXT,
    correlation     TEXT    NOT NULL,
    cause           TEXT,              -- job/<id>, event/<id>
    context         TEXT,              -- NULL: nothing known
    payload         TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX requests_idempotency_key ON requests (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX requests_correlation ON requests (correlation);

-- The jobs that have not ended. Each stands in one of these tables; `seq` is that of `requests`.
CREATE TABLE waiting (
    seq        INTEGER PRIMARY KEY,
    attempts   INTEGER NOT NULL,       -- begun so far
    due_at     INTEGER                 -- what it waits for; NULL: for its turn in its lane
) STRICT;

CREATE INDEX waiting_due ON waiting (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE ready (
    seq        INTEGER PRIMARY KEY,
    attempts   INTEGER NOT NULL,       -- begun so far
    name       TEXT    NOT NULL,       -- as in requests, as is the next
    order_key  TEXT
) STRICT;

CREATE TABLE running (
    seq        INTEGER PRIMARY KEY,
    attempts   INTEGER NOT NULL,       -- begun so far, this one among them
    worker     TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    order_key  TEXT                    -- as in requests
) STRICT;

-- The jobs that have an order key, and have not ended: in each lane only the first may be ready or running.
CREATE TABLE lanes (
    order_key  TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    PRIMARY KEY (order_key, seq)
) STRICT, WITHOUT ROWID;

-- Attempts that have ended. One that has not is in `running`.
CREATE TABLE attempts (
    job             INTEGER NOT NULL,  -- requests.seq
    number          INTEGER NOT NULL,
    worker          TEXT    NOT NULL,
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER NOT NULL,
    reached         TEXT,              -- the last step of the lifecycle; NULL: not known
    version_read    INTEGER,
    version_written INTEGER,
    strategies      TEXT,              -- the variants that were chosen; NULL: none
    events          TEXT,              -- their ids; NULL: none
    failure         TEXT,              -- NULL: it succeeded
    output          TEXT,              -- what the handler returned; NULL: it failed
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- A job that is in none of the three has ended as its last attempt did.
CREATE VIEW jobs AS
SELECT r.seq, r.id, r.kind, r.name,
    CASE WHEN running.seq IS NOT NULL THEN 'running'
         WHEN ready.seq IS NOT NULL THEN 'ready'
         WHEN waiting.seq IS NOT NULL THEN 'waiting'
         WHEN a.output IS NOT NULL THEN 'succeeded'
         WHEN a.number IS NOT NULL THEN 'failed' END AS state,
    coalesce(running.attempts, ready.attempts, waiting.attempts, a.number) AS attempts,
    r.created_at, waiting.due_at,
    CASE WHEN coalesce(running.seq, ready.seq, waiting.seq) IS NULL THEN a.ended_at END AS ended_at,
    r.target, r.order_key, r.idempotency_key, r.correlation, r.cause, r.context, r.payload,
    a.output, a.failure
FROM requests AS r
LEFT JOIN running ON running.seq = r.seq
LEFT JOIN ready ON ready.seq = r.seq
LEFT JOIN waiting ON waiting.seq = r.seq
LEFT JOIN attempts AS a ON a.job = r.seq
    AND a.number = coalesce(running.attempts, ready.attempts, waiting.attempts,
        (SELECT max(b.number) FROM attempts AS b WHERE b.job = r.seq));

CREATE TABLE entities (
    entity  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (entity, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
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
