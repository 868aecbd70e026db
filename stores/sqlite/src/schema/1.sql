-- Schema 1.
--
-- Times are microseconds since 1970, UTC. To read one: datetime(created_at / 1000000, 'unixepoch').
-- Payloads, entities, outputs, failures and contexts are JSON, ids and states are text.

-- A job is spread over three tables, after how long its parts last: what was asked for (`requests`) and what came of it
-- (`attempts`) are written once and stay; where it stands while it lives (`queue`) changes at every step, and is gone when
-- the job has ended. So what changes is small, and no step of a job's life slows down as those that have ended add up.
-- The view `jobs` puts them together.

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

-- The jobs that have not ended.
CREATE TABLE queue (
    state           TEXT    NOT NULL,  -- waiting, ready, running
    seq             INTEGER NOT NULL,  -- requests.seq
    name            TEXT    NOT NULL,  -- as there
    attempts        INTEGER NOT NULL,  -- begun so far
    worker          TEXT,              -- of the running attempt, as is the next
    started_at      INTEGER,
    due_at          INTEGER,           -- what a waiting job waits for; NULL: for its turn in its lane
    order_key       TEXT,              -- as in requests
    PRIMARY KEY (state, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX queue_due ON queue (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX queue_lane ON queue (order_key, seq) WHERE order_key IS NOT NULL;

-- Attempts that have ended. A running one is in the queue.
CREATE TABLE attempts (
    job             INTEGER NOT NULL,  -- requests.seq
    number          INTEGER NOT NULL,
    worker          TEXT    NOT NULL,
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER NOT NULL,
    reached         TEXT,              -- the last step of the lifecycle; NULL: not known
    version_read    INTEGER,
    version_written INTEGER,
    events          TEXT,              -- their ids; NULL: none
    failure         TEXT,              -- NULL: it succeeded
    output          TEXT,              -- what the handler returned; NULL: it failed
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- A job that is not in the queue has ended as its last attempt did.
CREATE VIEW jobs AS
SELECT r.seq, r.id, r.kind, r.name,
    CASE WHEN q.state IS NOT NULL THEN q.state
         WHEN a.output IS NOT NULL THEN 'succeeded'
         WHEN a.number IS NOT NULL THEN 'failed' END AS state,
    coalesce(q.attempts, a.number) AS attempts,
    r.created_at, q.due_at,
    CASE WHEN q.state IS NULL THEN a.ended_at END AS ended_at,
    r.target, r.order_key, r.idempotency_key, r.correlation, r.cause, r.context, r.payload,
    a.output, a.failure
FROM requests AS r
LEFT JOIN queue AS q ON q.state IN ('waiting', 'ready', 'running') AND q.seq = r.seq
LEFT JOIN attempts AS a ON a.job = r.seq
    AND a.number = coalesce(q.attempts, (SELECT max(b.number) FROM attempts AS b WHERE b.job = r.seq));

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
