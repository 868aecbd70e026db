//! The statements of a claim.

use crate::rows::spec_columns;

/// One process claims at a time. Otherwise a second one would skip the first job of an entity, which is locked, and could take the turn for a
/// later one.
pub(super) const LOCK_CLAIMS: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('enact claims {schema}', 0))";

/// Makes due jobs ready.
pub(super) const WAKE: &str = "
    UPDATE {schema}.live AS l SET stage = 'ready', due_at = NULL
    WHERE l.id IN (
        SELECT w.id FROM {schema}.live AS w
        WHERE w.stage = 'waiting' AND w.due_at IS NOT NULL AND NOT w.is_blocked AND w.pending = 0 AND w.due_at <= $1
        ORDER BY w.due_at, w.seq LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING 1";

pub(super) const NEXT_DUE: &str = "
    SELECT w.due_at FROM {schema}.live AS w
    WHERE w.stage = 'waiting' AND w.due_at IS NOT NULL AND NOT w.is_blocked AND w.pending = 0
    ORDER BY w.due_at, w.seq LIMIT 1";

/// The first ready jobs of each queue, in the order in which they are to run.
pub(super) const CANDIDATES: &str = concat!(
    "SELECT r.id, r.queue, r.attempts, r.spent, r.order_key, r.entity,
        r.binds IS NOT NULL AND s.target IS NOT NULL AND EXISTS (
            SELECT 1 FROM {schema}.live AS h
            WHERE h.entity = r.binds || ' ' || s.target AND h.stage IN ('held', 'running', 'unreleased')) AS is_taken, r.repeatable, ",
    spec_columns!("s"),
    " FROM (
        SELECT c.queue, c.binds, c.room, l.*,
            row_number() OVER (PARTITION BY c.queue ORDER BY l.priority DESC, l.seq) AS rank
        FROM unnest($1::text[], $2::integer[], $3::text[], $4::bigint[]) AS c (name, queue, binds, room)
        CROSS JOIN LATERAL (
            SELECT w.id, w.seq, w.priority, w.attempts, w.spent, w.order_key, w.entity, w.repeatable FROM {schema}.live AS w
            WHERE w.stage = 'ready' AND w.name = c.name ORDER BY w.priority DESC, w.seq LIMIT c.room FOR UPDATE SKIP LOCKED) AS l) AS r
    LEFT JOIN {schema}.job_specs AS s ON s.id = r.id
    WHERE r.rank <= r.room
    ORDER BY r.queue, r.priority DESC, r.seq"
);

/// The turns of entities, in the order of their hashes. The names are those that the [writer](crate::world) locks.
pub(super) const LOCK_TURNS: &str = "
    SELECT pg_advisory_xact_lock(hashtext('enact {schema}'), h.hash) FROM (
        SELECT DISTINCT hashtext('turn ' || t.entity) AS hash FROM unnest($1::text[]) AS t (entity) ORDER BY hash) AS h";

/// Those of the entities whose turn a job has.
pub(super) const TAKEN: &str = "
    SELECT DISTINCT h.entity FROM {schema}.live AS h
    WHERE h.entity = ANY($1) AND h.stage IN ('held', 'running', 'unreleased')";

pub(super) const RUN: &str = "
    UPDATE {schema}.live AS l
    SET stage = 'running', attempts = l.attempts + 1, worker = $3, started_at = $4, entity = u.entity
    FROM unnest($1::uuid[], $2::text[]) AS u (id, entity) WHERE l.id = u.id";

pub(super) const PUT_IN_LINE: &str = "
    UPDATE {schema}.live AS l SET stage = 'in_line', entity = u.entity
    FROM unnest($1::uuid[], $2::text[]) AS u (id, entity) WHERE l.id = u.id";

pub(super) const REMOVE: &str = "DELETE FROM {schema}.live WHERE id = ANY($1)";

/// The first jobs in line for each entity, in the order in which they run. One seek finds each name.
pub(super) const LINES: &str = concat!(
    "WITH RECURSIVE given AS MATERIALIZED (
        SELECT t.entity, t.number FROM unnest($1::text[]) WITH ORDINALITY AS t (entity, number)),
    names AS (
        SELECT g.entity, g.number, x.name FROM given AS g CROSS JOIN LATERAL (
            SELECT l.name FROM {schema}.live AS l WHERE l.entity = g.entity AND l.stage = 'in_line' ORDER BY l.name LIMIT 1) AS x
        UNION ALL
        SELECT n.entity, n.number, x.name FROM names AS n CROSS JOIN LATERAL (
            SELECT l.name FROM {schema}.live AS l WHERE l.entity = n.entity AND l.stage = 'in_line' AND l.name > n.name
            ORDER BY l.name LIMIT 1) AS x),
    firsts AS (
        SELECT n.number, l.*, row_number() OVER (PARTITION BY n.number ORDER BY l.priority DESC, l.seq) AS rank
        FROM names AS n CROSS JOIN LATERAL (
            SELECT w.id, w.seq, w.priority, w.attempts, w.spent, w.order_key, w.entity, w.repeatable FROM {schema}.live AS w
            WHERE w.entity = n.entity AND w.stage = 'in_line' AND w.name = n.name
            ORDER BY w.priority DESC, w.seq LIMIT $2) AS l)
    SELECT r.id, 0 AS queue, r.attempts, r.spent, r.order_key, r.entity, true AS is_taken, r.repeatable, ",
    spec_columns!("s"),
    " FROM firsts AS r LEFT JOIN {schema}.job_specs AS s ON s.id = r.id
    WHERE r.rank <= $2 ORDER BY r.number, r.priority DESC, r.seq"
);

/// They have the turn of the entity in whose line they were.
pub(super) const HOLD: &str =
    "UPDATE {schema}.live SET stage = 'held', worker = $2, started_at = $3 WHERE id = ANY($1)";
