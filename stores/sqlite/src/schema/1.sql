-- Schema 1.
--
-- Times are microseconds since 1970, UTC. To read one: datetime(created_at / 1000000, 'unixepoch').
-- Payloads, entities, outputs, failures and contexts are JSON, ids and states are text.

-- A job is spread over tables, after how long its parts last. What was asked for (`requests`) and what came of it
-- (`attempts`, `cancelled`) are written once and stay until they are pruned. Where it stands while it lives is a small row
-- that moves between `waiting`, `ready` and `running`, and is gone when the job has ended: so no step of a job's life slows
-- down as those that have ended add up. The view `jobs` puts them together.

CREATE TABLE requests (
    seq             INTEGER PRIMARY KEY,  -- its place; never given twice, see `places`
    id              TEXT    NOT NULL UNIQUE,
    kind            TEXT    NOT NULL,     -- command, event_handler
    name            TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    target          TEXT,
    order_key       TEXT,
    idempotency_key TEXT,
    correlation     TEXT    NOT NULL,
    cause           TEXT,                 -- job/<id>, event/<id>
    context         TEXT,                 -- NULL: nothing known
    payload         TEXT    NOT NULL,
    priority        INTEGER NOT NULL,
    after           TEXT,                 -- the ids of the jobs that must have succeeded before; NULL: none
    deadline        INTEGER               -- lifted by a retry by hand
) STRICT;

CREATE UNIQUE INDEX requests_idempotency_key ON requests (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX requests_correlation ON requests (correlation);

-- The jobs that have not ended. Each stands in one of these tables; `seq` is that of `requests`, and in all of them
--   attempts  have begun so far, one that runs among them,
--   spent     of them were made before the job was last retried by hand.
CREATE TABLE waiting (
    seq        INTEGER PRIMARY KEY,
    attempts   INTEGER NOT NULL,
    spent      INTEGER NOT NULL,
    in_line    INTEGER NOT NULL,          -- 1: it has not its turn in its lane
    pending    INTEGER NOT NULL,          -- how many of those that it comes after have not succeeded
    due_at     INTEGER                    -- the time that it waits for; NULL: none
) STRICT;

-- Those that wait for nothing but their time.
CREATE INDEX waiting_due ON waiting (due_at) WHERE due_at IS NOT NULL AND in_line = 0 AND pending = 0;

CREATE TABLE ready (
    name       TEXT    NOT NULL,          -- as in `requests`, as is `order_key`
    rank       INTEGER NOT NULL,          -- the priority with its sign changed: in the order of the key they begin
    seq        INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    spent      INTEGER NOT NULL,
    order_key  TEXT,
    PRIMARY KEY (name, rank, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE running (
    seq        INTEGER PRIMARY KEY,
    attempts   INTEGER NOT NULL,
    spent      INTEGER NOT NULL,
    worker     TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    name       TEXT    NOT NULL,          -- as in `requests`, as is the next
    order_key  TEXT
) STRICT;

-- Of the jobs that have an order key, and have not ended, in each lane one has the turn,
CREATE TABLE turns (
    order_key  TEXT PRIMARY KEY,
    seq        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- and all others are in line.
CREATE TABLE lanes (
    order_key  TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    PRIMARY KEY (order_key, seq)
) STRICT, WITHOUT ROWID;

-- Which jobs wait until another has succeeded: as many rows of a `seq` as are `pending`.
CREATE TABLE predecessors (
    predecessor INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (predecessor, seq)
) STRICT, WITHOUT ROWID;

-- How many jobs of a name have not ended.
CREATE TABLE queued (
    name       TEXT PRIMARY KEY,
    jobs       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The jobs that were called off.
CREATE TABLE cancelled (
    seq        INTEGER PRIMARY KEY,
    ended_at   INTEGER NOT NULL
) STRICT;

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

-- Those that have failed: the last one of each failed job is among them, and what has succeeded at once has no part in it.
CREATE INDEX attempts_failed ON attempts (job, number) WHERE output IS NULL;

-- A job that is in none of the four has ended as its last attempt did.
CREATE VIEW jobs AS
SELECT r.seq, r.id, r.kind, r.name,
    CASE WHEN running.seq IS NOT NULL THEN 'running'
         WHEN ready.seq IS NOT NULL THEN 'ready'
         WHEN waiting.seq IS NOT NULL THEN 'waiting'
         WHEN cancelled.seq IS NOT NULL THEN 'cancelled'
         WHEN a.output IS NOT NULL THEN 'succeeded'
         WHEN a.number IS NOT NULL THEN 'failed' END AS state,
    coalesce(running.attempts, ready.attempts, waiting.attempts, a.number, 0) AS attempts,
    coalesce(running.spent, ready.spent, waiting.spent, 0) AS spent,
    r.created_at, waiting.due_at,
    CASE WHEN coalesce(running.seq, ready.seq, waiting.seq) IS NULL
         THEN coalesce(cancelled.ended_at, a.ended_at) END AS ended_at,
    r.target, r.order_key, r.idempotency_key, r.correlation, r.cause, r.context, r.payload, r.priority, r.after, r.deadline,
    a.output, a.failure
FROM requests AS r
LEFT JOIN running ON running.seq = r.seq
LEFT JOIN ready ON ready.name = r.name AND ready.rank = -r.priority AND ready.seq = r.seq
LEFT JOIN waiting ON waiting.seq = r.seq
LEFT JOIN cancelled ON cancelled.seq = r.seq
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
    position    INTEGER PRIMARY KEY,   -- never given twice, see `places`
    emitted_at  INTEGER NOT NULL,
    id          TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    correlation TEXT    NOT NULL,
    cause       TEXT                   -- the id of the job that emitted it; NULL: a caller at the boundary
) STRICT;

-- The last place that was given in `requests` or `events`, if the row that had it was pruned: the next one is behind it.
CREATE TABLE places (
    of   TEXT PRIMARY KEY,             -- requests, events
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What workers have last said of themselves.
CREATE TABLE workers (
    id       TEXT PRIMARY KEY,
    renewals INTEGER NOT NULL,         -- of its lease, so far
    length   INTEGER NOT NULL          -- how long after a renewal it is taken for alive, in microseconds
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
    name      TEXT PRIMARY KEY,
    last_tick INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
