-- Schema 1.
--
-- Times are microseconds since 1970, UTC. To read one: datetime(created_at / 1000000, 'unixepoch').
-- Payloads, entities, outputs, failures and contexts are JSON; ids and states are text.

-- One row: which file this is, and which write-ahead log it has while it is open. It is written when the file is opened and when
-- the log starts again from its beginning.
CREATE TABLE file (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    inode   INTEGER,                      -- the number that the system has for the file; NULL: none
    log     INTEGER                       -- the number in the header of the log; NULL: none, or one that was not noted yet
) STRICT;

-- A job is split by lifetime. What is fixed when it is submitted (`job_specs`) and what its attempts left (`attempts`,
-- `cancelled`) is written once and kept until it is pruned. The state of a job that has not ended is a small row that moves
-- between `waiting`, `ready` and `running` and is deleted when the job ends, so that no step slows down as ended jobs
-- accumulate. The view `jobs` joins them.

-- The names of jobs. Other tables have the number of a name. The counts are the number of its jobs in each state.
CREATE TABLE names (
    id        INTEGER PRIMARY KEY,
    kind      TEXT    NOT NULL,           -- command, event_handler
    name      TEXT    NOT NULL,
    waiting   INTEGER NOT NULL DEFAULT 0,
    ready     INTEGER NOT NULL DEFAULT 0,
    running   INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, kind)
) STRICT;

CREATE TABLE job_specs (
    seq             INTEGER PRIMARY KEY,  -- sequence number; never reused, see `sequences`
    id              TEXT    NOT NULL UNIQUE,
    name            INTEGER NOT NULL,     -- in `names`
    created_at      INTEGER NOT NULL,
    target          TEXT,
    order_key       TEXT,
    idempotency_key TEXT,
    correlation     TEXT    NOT NULL,
    cause           TEXT,                 -- job/<id>, event/<id>
    context         TEXT,                 -- NULL: empty
    payload         TEXT    NOT NULL,
    priority        INTEGER NOT NULL,
    after           TEXT,                 -- ids of the jobs that must succeed first; NULL: none
    deadline        INTEGER,              -- void after a retry by hand
    depth           INTEGER NOT NULL      -- number of jobs that led to it
) STRICT;

-- The jobs of a name in order.
CREATE INDEX job_specs_name ON job_specs (name);
-- The last job of a key has it, unless it is cancelled: cancelling frees the key.
CREATE INDEX job_specs_idempotency_key ON job_specs (idempotency_key) WHERE idempotency_key IS NOT NULL;
-- The job that began a correlation is found by its id, which is the correlation's.
CREATE INDEX job_specs_correlation ON job_specs (correlation) WHERE correlation <> id;

-- Jobs that have not ended. Each has a row in exactly one of these three tables; `seq` is that of `job_specs`.
--   attempts  number of attempts begun, including a running one
--   spent     those of them that began before the last retry by hand
CREATE TABLE waiting (
    seq             INTEGER PRIMARY KEY,
    name            INTEGER NOT NULL,     -- as in `job_specs`
    attempts        INTEGER NOT NULL,
    spent           INTEGER NOT NULL,
    blocked_in_lane INTEGER NOT NULL,     -- 1: another job is at the head of its lane
    pending         INTEGER NOT NULL,     -- number of predecessors that have not succeeded
    due_at          INTEGER               -- NULL: does not wait for a time
) STRICT;

-- Jobs that wait for a time only.
CREATE INDEX waiting_due ON waiting (due_at) WHERE due_at IS NOT NULL AND blocked_in_lane = 0 AND pending = 0;

CREATE TABLE ready (
    in_line    INTEGER NOT NULL CHECK (in_line IN (0, 1)), -- 1: in line for `entity`, whose turn another job has; it is not claimed
    name       INTEGER NOT NULL,          -- name, priority and order_key as in `job_specs`
    priority   INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    spent      INTEGER NOT NULL,
    order_key  TEXT,
    entity     TEXT,                      -- type and id of the entity that it is in line for, or was: of each name one job leaves the line
    PRIMARY KEY (in_line, name, priority DESC, seq) -- the order of claims
) STRICT, WITHOUT ROWID;

CREATE INDEX ready_lines ON ready (entity, in_line, name, priority DESC, seq) WHERE entity IS NOT NULL;

-- The jobs that a worker runs or, with `begun` 0, holds: such a job is ready, and only this worker may begin it. With `cancelled` 1 the
-- job has ended, and its attempt has not: it keeps its lane and the turn of its entity until the worker releases it.
CREATE TABLE running (
    seq        INTEGER PRIMARY KEY,
    attempts   INTEGER NOT NULL,
    spent      INTEGER NOT NULL,
    worker     TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    name       INTEGER NOT NULL,          -- name and order_key as in `job_specs`
    order_key  TEXT,
    begun      INTEGER NOT NULL CHECK (begun IN (0, 1)),
    cancelled  INTEGER NOT NULL CHECK (cancelled IN (0, 1)),
    entity     TEXT                       -- the entity whose turn it has; NULL: none
) STRICT;

-- The jobs that share the turn of an entity.
CREATE INDEX running_turns ON running (entity) WHERE entity IS NOT NULL;

-- A lane holds the jobs of one order key that have not ended, or whose attempt has not. This is the job at the head of each lane.
CREATE TABLE lane_heads (
    order_key  TEXT PRIMARY KEY,
    seq        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The other jobs of each lane, in the order of `seq`.
CREATE TABLE lane_tails (
    order_key  TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    PRIMARY KEY (order_key, seq)
) STRICT, WITHOUT ROWID;

-- The job `seq` waits until `predecessor` has succeeded. `waiting.pending` is the number of rows with its `seq`.
CREATE TABLE predecessors (
    predecessor INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (predecessor, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE cancelled (
    seq        INTEGER PRIMARY KEY,
    ended_at   INTEGER NOT NULL
) STRICT;

-- Attempts that have ended. A running attempt is in `running`.
CREATE TABLE attempts (
    seq             INTEGER NOT NULL,  -- of the job
    number          INTEGER NOT NULL,
    worker          TEXT    NOT NULL,
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER NOT NULL,
    reached         TEXT,              -- the last step of the lifecycle; NULL: unknown
    version_read    INTEGER,
    version_written INTEGER,
    strategies      TEXT,              -- the chosen variants; NULL: none
    events          TEXT,              -- ids of the emitted events; NULL: none
    failure         TEXT,              -- NULL: it succeeded
    output          TEXT,              -- what the handler returned; NULL: it failed
    late_effects    INTEGER,           -- number of effects staged after the handler had returned; NULL: none
    PRIMARY KEY (seq, number)
) STRICT, WITHOUT ROWID;

-- Finds failed jobs by their last attempt. Jobs that succeed at the first attempt have no entry.
CREATE INDEX attempts_failed ON attempts (seq, number) WHERE output IS NULL;

-- A job that is in none of the four state tables has ended as its last attempt did.
CREATE VIEW jobs AS
SELECT s.seq, s.id, n.kind, n.name,
    CASE WHEN running.begun = 0 THEN 'ready'
         WHEN running.seq IS NOT NULL THEN 'running'
         WHEN ready.seq IS NOT NULL THEN 'ready'
         WHEN waiting.seq IS NOT NULL THEN 'waiting'
         WHEN cancelled.seq IS NOT NULL THEN 'cancelled'
         WHEN a.output IS NOT NULL THEN 'succeeded'
         WHEN a.number IS NOT NULL THEN 'failed'
         ELSE 'missing' END AS state,       -- only in a damaged file
    coalesce(running.attempts, ready.attempts, waiting.attempts, a.number, 0) AS attempts,
    coalesce(running.spent, ready.spent, waiting.spent, 0) AS spent,
    s.created_at, waiting.due_at,
    CASE WHEN coalesce(running.seq, ready.seq, waiting.seq) IS NULL
         THEN coalesce(cancelled.ended_at, a.ended_at) END AS ended_at,
    s.target, s.order_key, s.idempotency_key, s.correlation, s.cause, s.context, s.payload, s.priority, s.after, s.deadline, s.depth,
    a.output, a.failure
FROM job_specs AS s
LEFT JOIN names AS n ON n.id = s.name
LEFT JOIN running ON running.seq = s.seq AND running.cancelled = 0
LEFT JOIN ready ON ready.in_line IN (0, 1) AND ready.name = s.name AND ready.priority = s.priority AND ready.seq = s.seq
LEFT JOIN waiting ON waiting.seq = s.seq
LEFT JOIN cancelled ON cancelled.seq = s.seq
LEFT JOIN attempts AS a ON a.seq = s.seq
    AND a.number = coalesce(running.attempts, ready.attempts, waiting.attempts,
        (SELECT max(b.number) FROM attempts AS b WHERE b.seq = s.seq));

CREATE TABLE entities (
    entity  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (entity, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    position    INTEGER PRIMARY KEY,   -- in commit order; never reused, see `sequences`
    emitted_at  INTEGER NOT NULL,
    id          TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    correlation TEXT    NOT NULL,
    cause       TEXT                   -- the id of the job that emitted it; NULL: emitted outside of a job
) STRICT;

-- The last number assigned in `job_specs` or `events`, stored when its row is pruned so that it is not reused.
CREATE TABLE sequences (
    name TEXT PRIMARY KEY,             -- job_specs, events
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    worker   TEXT PRIMARY KEY,
    renewals INTEGER NOT NULL,         -- number of renewals so far
    length   INTEGER NOT NULL          -- how long the lease is valid after a renewal, in microseconds
) STRICT, WITHOUT ROWID;

-- A schedule that was renamed has a row for each of its names.
CREATE TABLE schedules (
    name      TEXT PRIMARY KEY,
    last_tick INTEGER NOT NULL,
    last_job  TEXT                     -- the id of the last job of its ticks; NULL: none
) STRICT, WITHOUT ROWID;
