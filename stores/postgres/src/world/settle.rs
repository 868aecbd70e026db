//! What follows from the changes of a group: lanes, successors and turns move on. The statements make true again, for what was touched,
//! that a lane has a head, that a job without a blocker is ready, and that a free entity has a job of each name out of its line.

use std::collections::HashSet;

use tokio_postgres::Row;

use super::World;
use crate::rows;

/// What a statement settles. It returns a row for each job that can be claimed now, or waits for a time only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settles {
    Lanes,
    Successors,
    Turns,
}

/// The lanes, entities and predecessors that have made a job claimable, or one that waits for a time only.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    lanes: HashSet<String>,
    turns: HashSet<String>,
    successors: bool,
}

impl Settled {
    pub(crate) fn add(&mut self, settles: Settles, rows: &[Row]) {
        match settles {
            Settles::Lanes => self.lanes.extend(rows.iter().map(rows::text)),
            Settles::Turns => self.turns.extend(rows.iter().map(rows::text)),
            Settles::Successors => self.successors |= !rows.is_empty(),
        }
    }

    /// Whether there is any work.
    pub(crate) fn has_any_work(&self) -> bool {
        self.successors || !self.lanes.is_empty() || !self.turns.is_empty()
    }

    /// Whether there is work because of what an operation has touched.
    pub(crate) fn has_work(&self, touched: &Touched) -> bool {
        (touched.has_succeeded && self.successors)
            || touched.lanes.iter().any(|lane| self.lanes.contains(lane))
            || touched.turns.iter().any(|turn| self.turns.contains(turn))
    }
}

/// What an operation has touched.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    lanes: Vec<String>,
    turns: Vec<String>,
    has_succeeded: bool,
}

/// How much had been touched before an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    lanes: usize,
    turns: usize,
    succeeded: usize,
}

impl World {
    pub(crate) fn mark(&self) -> Mark {
        Mark { lanes: self.lanes.len(), turns: self.turns.len(), succeeded: self.succeeded.len() }
    }

    pub(crate) fn touched_since(&self, mark: Mark) -> Touched {
        Touched {
            lanes: self.lanes[mark.lanes..].to_vec(),
            turns: self.turns[mark.turns..].to_vec(),
            has_succeeded: self.succeeded.len() > mark.succeeded,
        }
    }
}

/// A failed job returns to its lane: a later head that waits is the head no more.
pub(super) const REENTER: &str = "
    UPDATE {schema}.live AS l SET is_blocked = true
    FROM unnest($1::text[], $2::bigint[]) AS r (lane, seq)
    WHERE l.order_key = r.lane AND NOT l.is_blocked AND l.stage = 'waiting' AND l.seq > r.seq";

/// The successors of jobs that have succeeded wait for them no more.
pub(super) const SUCCESSORS: &str = "
    WITH gone AS (DELETE FROM {schema}.predecessors WHERE predecessor = ANY($1) RETURNING successor),
    counts AS (SELECT successor, count(*)::integer AS count FROM gone GROUP BY successor),
    updated AS (
        UPDATE {schema}.live AS l
        SET pending = l.pending - c.count,
            stage = CASE WHEN l.pending <= c.count AND NOT l.is_blocked AND l.due_at IS NULL THEN 'ready' ELSE l.stage END
        FROM counts AS c WHERE l.id = c.successor
        RETURNING l.pending <= 0 AND NOT l.is_blocked AS has_work)
    SELECT 1 FROM updated WHERE has_work LIMIT 1";

/// The first job of each lane without a head becomes its head.
pub(crate) const LANES: &str = "
    WITH heads AS (
        SELECT f.id FROM unnest($1::text[]) AS t (lane)
        CROSS JOIN LATERAL (
            SELECT l.id FROM {schema}.live AS l WHERE l.order_key = t.lane ORDER BY l.seq LIMIT 1) AS f
        WHERE NOT EXISTS (
            SELECT 1 FROM {schema}.live AS h WHERE h.order_key = t.lane AND h.order_key IS NOT NULL AND NOT h.is_blocked)),
    updated AS (
        UPDATE {schema}.live AS l
        SET is_blocked = false, stage = CASE WHEN l.pending = 0 AND l.due_at IS NULL THEN 'ready' ELSE l.stage END
        FROM heads AS h WHERE l.id = h.id
        RETURNING l.order_key, l.pending = 0 AS has_work)
    SELECT order_key FROM updated WHERE has_work";

/// Of each entity whose turn is free, the first job of each name leaves the line, unless one has left it and was not claimed yet. One
/// seek finds each name.
pub(crate) const TURNS: &str = "
    WITH RECURSIVE free AS MATERIALIZED (
        SELECT t.entity FROM unnest($1::text[]) AS t (entity)
        WHERE NOT EXISTS (
            SELECT 1 FROM {schema}.live AS h WHERE h.entity = t.entity AND h.stage IN ('held', 'running', 'unreleased'))),
    firsts AS (
        SELECT f.entity, x.name, x.id FROM free AS f CROSS JOIN LATERAL (
            SELECT l.name, l.id FROM {schema}.live AS l WHERE l.entity = f.entity AND l.stage = 'in_line'
            ORDER BY l.name, l.priority DESC, l.seq LIMIT 1) AS x
        UNION ALL
        SELECT p.entity, x.name, x.id FROM firsts AS p CROSS JOIN LATERAL (
            SELECT l.name, l.id FROM {schema}.live AS l WHERE l.entity = p.entity AND l.stage = 'in_line' AND l.name > p.name
            ORDER BY l.name, l.priority DESC, l.seq LIMIT 1) AS x),
    updated AS (
        UPDATE {schema}.live AS l SET stage = 'ready' FROM firsts AS f
        WHERE l.id = f.id AND NOT EXISTS (
            SELECT 1 FROM {schema}.live AS p WHERE p.entity = f.entity AND p.stage = 'ready' AND p.name = f.name)
        RETURNING l.entity)
    SELECT DISTINCT entity FROM updated";
