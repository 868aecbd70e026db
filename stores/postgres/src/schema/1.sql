-- Schema 1. `{schema}` stands for the quoted name of the schema.
--
-- Texts that may hold any character have NUL as U+0001 `0`, and U+0001 as U+0001 `1`, since PostgreSQL cannot store NUL.
-- Payloads, entities, outputs, failures and contexts are JSON as it was written; to query one: payload::jsonb ->> 'field'.

-- One row: which programs can use this schema.
CREATE TABLE {schema}.meta (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    version    integer NOT NULL,          -- of this schema
    min_reader integer NOT NULL           -- the oldest version whose programs can use it
);
INSERT INTO {schema}.meta (version, min_reader) VALUES (1, 1);

-- The order of jobs. Numbers are never reused; there may be gaps.
CREATE SEQUENCE {schema}.job_seq;
-- The order of events, which is that of their commits.
CREATE SEQUENCE {schema}.event_position;

-- A job is split by lifetime. What is fixed when it is submitted (`job_specs`) and what its attempts left (`attempts`,
-- `cancelled`) is written once and kept until it is pruned. The state of a job that has not ended is a small row in `live`,
-- which is deleted when the job ends, so that no step slows down as ended jobs accumulate. The view `jobs` joins them.
CREATE TABLE {schema}.job_specs (
    id              uuid        PRIMARY KEY,
    seq             bigint      NOT NULL UNIQUE,
    kind            text        NOT NULL,            -- command, event_handler
    name            text        COLLATE "C" NOT NULL,
    created_at      timestamptz NOT NULL,
    target          text        COLLATE "C",
    order_key       text        COLLATE "C",
    idempotency_key text        COLLATE "C",
    correlation     text        COLLATE "C" NOT NULL,
    cause           text,                            -- job/<id>, event/<id>
    context         text,                            -- NULL: empty
    payload         text        NOT NULL,
    priority        integer     NOT NULL,
    after           uuid[],                          -- the jobs that must succeed first; NULL: none
    deadline        timestamptz,                     -- void after a retry by hand
    depth           bigint      NOT NULL             -- number of jobs that led to it
);
-- The jobs of a name, and those of a correlation, in order.
CREATE INDEX job_specs_name ON {schema}.job_specs (name, seq);
-- The job that began a correlation is found by its id, which is the correlation's.
CREATE INDEX job_specs_correlation ON {schema}.job_specs (correlation, seq) WHERE correlation <> id::text;

-- The job that has each idempotency key. A cancelled job has none.
CREATE TABLE {schema}.keys (
    key text COLLATE "C" PRIMARY KEY,
    job uuid NOT NULL
);

-- Jobs that have not ended, and cancelled ones whose attempt has not.
--   stage       waiting, ready;
--               in_line     ready, and in line for `entity`, whose turn another job has: it is not claimed
--               held        ready, and only `worker` may begin it
--               running     by `worker`
--               unreleased  cancelled, and `worker` has not released it: it keeps its lane and its turn
--   attempts    number of attempts begun, including a running one
--   spent       those of them that began before the last retry by hand
--   is_blocked  another job is at the head of its lane
--   pending     number of predecessors that have not succeeded
--   due_at      the time that it waits for; NULL: none
--   entity      type and id of an entity. ready: whose line it has left, one job of each name; in_line: whose line it is in; otherwise:
--               whose turn it has
CREATE TABLE {schema}.live (
    id         uuid        PRIMARY KEY,
    seq        bigint      NOT NULL,
    stage      text        COLLATE "C" NOT NULL CHECK (stage IN ('waiting', 'ready', 'in_line', 'held', 'running', 'unreleased')),
    name       text        COLLATE "C" NOT NULL,     -- name, priority and order_key as in `job_specs`
    priority   integer     NOT NULL,
    order_key  text        COLLATE "C",
    attempts   bigint      NOT NULL,
    spent      bigint      NOT NULL,
    is_blocked boolean     NOT NULL DEFAULT false,
    pending    integer     NOT NULL DEFAULT 0,
    due_at     timestamptz,
    entity     text        COLLATE "C",
    worker     text        COLLATE "C",
    started_at timestamptz,
    repeatable boolean     NOT NULL               -- its attempts may be repeated, so their starts may become durable later
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.2, autovacuum_analyze_threshold = 1000);
-- The order of claims.
CREATE INDEX live_ready ON {schema}.live (name, priority DESC, seq) WHERE stage = 'ready';
-- Those of a name that neither can be claimed nor have a worker.
CREATE INDEX live_waiting ON {schema}.live (name) WHERE stage IN ('waiting', 'in_line');
-- Jobs that wait for a time only.
CREATE INDEX live_due ON {schema}.live (due_at, seq) WHERE stage = 'waiting' AND due_at IS NOT NULL AND NOT is_blocked AND pending = 0;
CREATE INDEX live_worker ON {schema}.live (worker, seq) WHERE worker IS NOT NULL;
-- The lines and the turns of entities.
CREATE INDEX live_entity ON {schema}.live (entity, stage, name, priority DESC, seq) WHERE entity IS NOT NULL;
-- A lane has the jobs of one order key, and one of them is its head.
CREATE INDEX live_lane ON {schema}.live (order_key, seq) WHERE order_key IS NOT NULL;
CREATE UNIQUE INDEX live_head ON {schema}.live (order_key) WHERE order_key IS NOT NULL AND NOT is_blocked;

-- The job `successor` waits until `predecessor` has succeeded. `live.pending` is the number of rows of the successor.
CREATE TABLE {schema}.predecessors (
    predecessor uuid NOT NULL,
    successor   uuid NOT NULL,
    PRIMARY KEY (predecessor, successor)
);
CREATE INDEX predecessors_successor ON {schema}.predecessors (successor);

CREATE TABLE {schema}.cancelled (
    job      uuid        PRIMARY KEY,
    ended_at timestamptz NOT NULL
);

-- Attempts that have ended. A running attempt is in `live`.
CREATE TABLE {schema}.attempts (
    job             uuid        NOT NULL,
    number          bigint      NOT NULL,
    worker          text        COLLATE "C" NOT NULL,
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz NOT NULL,
    reached         text,              -- the last step of the lifecycle; NULL: unknown
    version_read    bigint,
    version_written bigint,
    strategies      text,              -- the chosen variants; NULL: none
    events          text,              -- ids of the emitted events; NULL: none
    failure         text,              -- NULL: it succeeded
    output          text,              -- what the handler returned; NULL: it failed
    late_effects    bigint,            -- number of effects staged after the handler had returned; NULL: none
    PRIMARY KEY (job, number)
);
-- Finds failed jobs by their last attempt. Jobs that succeed at the first attempt have no entry.
CREATE INDEX attempts_failed ON {schema}.attempts (job) WHERE output IS NULL;

-- A job that is in neither `live` nor `cancelled` has ended as its last attempt did.
CREATE VIEW {schema}.jobs AS
SELECT s.seq, s.id, s.kind, s.name,
    CASE WHEN c.job IS NOT NULL THEN 'cancelled'
         WHEN l.stage IN ('ready', 'in_line', 'held') THEN 'ready'
         WHEN l.stage IS NOT NULL THEN l.stage
         WHEN a.output IS NOT NULL THEN 'succeeded'
         WHEN a.number IS NOT NULL THEN 'failed'
         ELSE 'missing' END AS state,       -- only in a damaged database
    CASE WHEN l.stage <> 'unreleased' THEN l.attempts ELSE coalesce(a.number, 0) END AS attempts,
    CASE WHEN l.stage <> 'unreleased' THEN l.spent ELSE 0 END AS spent,
    s.created_at, l.due_at,
    CASE WHEN c.job IS NOT NULL THEN c.ended_at WHEN l.id IS NULL THEN a.ended_at END AS ended_at,
    s.target, s.order_key, s.idempotency_key, s.correlation, s.cause, s.context, s.payload, s.priority, s.after, s.deadline, s.depth,
    a.output, a.failure
FROM {schema}.job_specs AS s
LEFT JOIN {schema}.live AS l ON l.id = s.id
LEFT JOIN {schema}.cancelled AS c ON c.job = s.id
LEFT JOIN LATERAL (
    SELECT b.number, b.ended_at, b.output, b.failure FROM {schema}.attempts AS b
    WHERE b.job = s.id AND (l.id IS NULL OR l.stage = 'unreleased' OR b.number = l.attempts)
    ORDER BY b.number DESC LIMIT 1) AS a ON true;

CREATE TABLE {schema}.entities (
    entity  text   COLLATE "C" NOT NULL,
    id      text   COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    body    text   NOT NULL,
    PRIMARY KEY (entity, id)
) WITH (fillfactor = 80);

CREATE TABLE {schema}.events (
    position    bigint      PRIMARY KEY,
    emitted_at  timestamptz NOT NULL,
    id          uuid        NOT NULL,
    name        text        NOT NULL,
    payload     text        NOT NULL,
    correlation text        NOT NULL,
    cause       uuid                   -- the job that emitted it; NULL: emitted outside of a job
);

CREATE TABLE {schema}.leases (
    worker   text   COLLATE "C" PRIMARY KEY,
    renewals bigint NOT NULL,          -- number of renewals so far
    length   bigint NOT NULL           -- how long the lease is valid after a renewal, in microseconds
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- The last transaction of each connection that writes. Whether it was committed can be asked when the connection is lost.
CREATE TABLE {schema}.last_transactions (
    connection uuid        PRIMARY KEY,
    number     bigint      NOT NULL,
    used_at    timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- A schedule that was renamed has a row for each of its names.
CREATE TABLE {schema}.schedules (
    name      text        COLLATE "C" PRIMARY KEY,
    last_tick timestamptz NOT NULL,
    last_job  uuid                     -- the last job of its ticks; NULL: none
);
