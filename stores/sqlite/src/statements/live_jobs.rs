use enact::store::{Begin, NewDue, Release};
use enact::{JobId, JobState, Unreadable, WorkerId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::lanes::Lanes;
use super::names::{NameId, Names};
use super::prepare::statements;
use crate::encode::{IdText, integer, time};
use crate::error::Error;
use crate::raw_text::{RawText, WorkerText, seq_of_id};
use crate::rows::{self, Ready, Released, RunningAttempt, SpecKeys};
use crate::write_cache::WriteCache;

statements! { Sql {
    select_id: "SELECT id FROM job_specs WHERE seq = ?1",
    select_state: "SELECT j.seq, j.state FROM jobs AS j WHERE j.id = ?1",
    insert_waiting: "
        INSERT INTO waiting (seq, name, attempts, spent, blocked_in_lane, pending, due_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    delete_waiting: "DELETE FROM waiting WHERE seq = ?1 RETURNING name, blocked_in_lane = 0",
    insert_ready: "
        INSERT INTO ready (in_line, name, priority, seq, attempts, spent, order_key)
        VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6)",
    delete_claimed: "DELETE FROM ready WHERE in_line = ?4 AND name = ?1 AND priority = ?2 AND seq = ?3",
    delete_ready: "
        DELETE FROM ready WHERE in_line IN (0, 1) AND name = ?1 AND priority = ?2 AND seq = ?3
        RETURNING CASE in_line WHEN 0 THEN entity END",
    select_turn: "SELECT 1 FROM running WHERE entity = ?1",
    insert_running: "
        INSERT INTO running (seq, attempts, spent, worker, started_at, name, order_key, begun, cancelled, entity)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)",
    select_running: "SELECT name, attempts, worker, started_at, begun FROM running WHERE seq = ?1 AND cancelled = 0",
    /// A hold becomes the attempt that would have begun.
    cancel_running: "
        UPDATE running SET cancelled = 1, begun = 1,
            attempts = CASE WHEN begun = 0 AND attempts BETWEEN 0 AND 4294967294 THEN attempts + 1 ELSE attempts END
        WHERE seq = ?1",
    begin_held: "UPDATE running SET begun = 1, attempts = ?2, started_at = ?3 WHERE seq = ?1",
    hold: "
        UPDATE running SET begun = 0, attempts = ?3 - 1
        WHERE seq = ?1 AND worker = ?2 AND begun = 1 AND cancelled = 0 AND attempts = ?3
        RETURNING name",
    select_held: "
        SELECT name FROM running WHERE seq = ?1 AND worker = ?2 AND begun = 0 AND cancelled = 0 AND attempts + 1 = ?3",
    /// A number that cannot be read is 0.
    release: "
        DELETE FROM running WHERE seq = ?1 AND worker = ?2
            AND CASE WHEN attempts BETWEEN 0 AND 4294967295 THEN attempts ELSE 0 END + (begun = 0) = ?3
        RETURNING attempts, spent, name, order_key, begun, cancelled, entity",
    delete_running: "DELETE FROM running WHERE seq = ?1",
    insert_cancelled: "INSERT INTO cancelled (seq, ended_at) VALUES (?1, ?2)",
    update_due: "
        UPDATE waiting SET due_at = ?3 WHERE due_at = ?2 AND seq = (SELECT s.seq FROM job_specs AS s WHERE s.id = ?1)",
    block_in_lane: "UPDATE waiting SET blocked_in_lane = 1 WHERE seq = ?1",
    unblock_in_lane: "UPDATE waiting SET blocked_in_lane = 0 WHERE seq = ?1 RETURNING pending = 0",
    decrement_pending: "
        UPDATE waiting SET pending = max(pending - 1, 0) WHERE seq = ?1 RETURNING pending = 0 AND blocked_in_lane = 0",
    /// A job whose last blocker ends, unless it waits for a time.
    select_unblocked: "
        SELECT name FROM waiting WHERE seq = ?1 AND blocked_in_lane + pending = 1 AND due_at IS NULL",
    insert_unblocked: "
        INSERT INTO ready (in_line, name, priority, seq, attempts, spent, order_key)
        SELECT 0, w.name, s.priority, w.seq, w.attempts, w.spent, s.order_key
        FROM waiting AS w CROSS JOIN job_specs AS s ON s.seq = w.seq WHERE w.seq = ?1",
    delete_unblocked: "DELETE FROM waiting WHERE seq = ?1",
    insert_predecessor: "INSERT INTO predecessors (predecessor, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    /// Predecessors that have succeeded have no rows any more.
    delete_predecessors: "
        DELETE FROM predecessors WHERE seq = ?1 AND predecessor IN (
            SELECT p.seq FROM job_specs AS s CROSS JOIN json_each(s.after) AS j CROSS JOIN job_specs AS p ON p.id = j.value
            WHERE s.seq = ?1)",
    select_successors: "SELECT seq FROM predecessors WHERE predecessor = ?1 ORDER BY seq",
    delete_successors: "DELETE FROM predecessors WHERE predecessor = ?1",
    select_any_successor: "SELECT 1 FROM predecessors LIMIT 1",
} }

/// A job that has not ended.
pub(crate) struct LiveJob<'a> {
    pub(crate) seq: i64,
    pub(crate) name: NameId,
    pub(crate) priority: i64,
    pub(crate) order_key: Option<&'a str>,
    pub(crate) attempts: u32,
    pub(crate) spent: u32,
}

/// What keeps a job from being ready.
#[derive(Clone, Copy, Default)]
pub(crate) struct Blockers {
    /// Another job is at the head of its lane.
    pub(crate) in_lane: bool,
    /// The number of predecessors that have not succeeded.
    pub(crate) pending: usize,
    pub(crate) due_at: Option<Timestamp>,
}

/// How an attempt is inserted.
#[derive(Clone, Copy)]
pub(crate) struct AttemptStart<'a> {
    pub(crate) worker: &'a WorkerId,
    pub(crate) at: Timestamp,
    /// `false`: the worker holds the job.
    pub(crate) has_begun: bool,
    /// The entity whose turn it takes or shares.
    pub(crate) entity: Option<&'a str>,
    /// Whether it shares the turn with the jobs that have it.
    pub(crate) shares_turn: bool,
}

/// A job that had not ended, and is cancelled.
pub(crate) enum Cancelled {
    /// It was waiting.
    Waiting { was_lane_head: bool },
    /// It was ready. The entity whose line it had left to be claimed.
    Ready { promoted: Option<RawText> },
    /// A worker runs or holds it, and is to release it.
    Running(RunningAttempt),
}

/// The jobs that have not ended: their states, lanes and predecessors. Each job that enters or leaves a state table is counted.
///
/// A method whose `bool` is not described returns whether there is something to claim, or a time to wait for, that was not there
/// before.
pub(crate) struct LiveJobs<'c> {
    pub(crate) sql: Sql<'c>,
    pub(crate) lanes: Lanes<'c>,
    pub(crate) names: Names<'c>,
    cache: &'c WriteCache,
    /// Whether any job waits for another, as far as this process knows.
    has_predecessors: Option<bool>,
}

impl<'c> LiveJobs<'c> {
    pub(crate) fn prepare(connection: &'c Connection, cache: &'c WriteCache) -> rusqlite::Result<Self> {
        let (sql, lanes) = (Sql::prepare(connection)?, Lanes::prepare(connection)?);
        Ok(Self { sql, lanes, names: Names::prepare(connection)?, cache, has_predecessors: None })
    }

    /// Another process has written, or a transaction was rolled back.
    pub(crate) fn clear(&mut self) {
        self.has_predecessors = None;
        self.names.clear();
    }

    /// The sequence number and state of any job, whether it has ended or not.
    pub(crate) fn find(&mut self, id: JobId) -> Result<Option<(i64, JobState)>, Error> {
        let mut rows = match seq_of_id(id) {
            None => self.sql.select_state.query([IdText::from(id)])?,
            Some(seq) => {
                let stored: Option<RawText> =
                    self.sql.select_id.query_row([seq], |row| row.get(0)).optional()?;
                self.sql.select_state.query([stored])?
            }
        };
        Ok(rows.next()?.map(rows::state))
    }

    /// Inserts a job as ready, or as waiting if something blocks it.
    pub(crate) fn insert(&mut self, job: &LiveJob<'_>, blockers: Blockers) -> Result<bool, Error> {
        let LiveJob { seq, name, priority, order_key, attempts, spent } = *job;
        if blockers.in_lane || blockers.pending > 0 || blockers.due_at.is_some() {
            return self.insert_waiting(seq, name, attempts, spent, blockers);
        }
        self.sql.insert_ready.execute(params![name, priority, seq, attempts, spent, order_key])?;
        self.names.enters(name, JobState::Ready);
        Ok(true)
    }

    pub(crate) fn insert_waiting(
        &mut self,
        seq: i64,
        name: NameId,
        attempts: u32,
        spent: u32,
        blockers: Blockers,
    ) -> Result<bool, Error> {
        let Blockers { in_lane, pending, due_at } = blockers;
        let row = params![seq, name, attempts, spent, in_lane, integer(pending), due_at.map(time)];
        self.sql.insert_waiting.execute(row)?;
        self.names.enters(name, JobState::Waiting);
        Ok(!in_lane && pending == 0)
    }

    /// Changes the time that a job waits for, if it is still this one.
    pub(crate) fn change_due(&mut self, due: &NewDue) -> Result<(), Error> {
        let NewDue { job, from, to } = due;
        self.sql.update_due.execute(params![IdText::from(*job), time(*from), time(*to)])?;
        Ok(())
    }

    /// Inserts a job that a worker runs or holds. Returns `false` if another job has the turn of its entity and
    /// this one does not share it.
    pub(crate) fn insert_running(
        &mut self,
        job: &LiveJob<'_>,
        start: AttemptStart<'_>,
    ) -> Result<bool, Error> {
        let LiveJob { seq, name, order_key, attempts, spent, .. } = *job;
        let AttemptStart { worker, at, has_begun, entity, shares_turn } = start;
        // Not a part of the insertion: a statement that reads the table that it writes copies its rows first.
        if let Some(entity) = entity
            && !shares_turn
            && self.sql.select_turn.exists([entity])?
        {
            return Ok(false);
        }
        let worker = WorkerText::of(worker);
        let row = params![seq, attempts, spent, worker, time(at), name, order_key, has_begun, entity];
        self.sql.insert_running.execute(row)?;
        self.names.enters(name, running_state(has_begun));
        Ok(true)
    }

    /// Begins the attempt of a job that the worker holds. Returns whether it was held.
    pub(crate) fn begin(&mut self, seq: i64, begin: &Begin) -> Result<bool, Error> {
        let row = params![seq, WorkerText::of(&begin.worker), begin.number];
        let held: Option<NameId> = self.sql.select_held.query_row(row, |row| row.get(0)).optional()?;
        let Some(name) = held else { return Ok(false) };
        self.sql.begin_held.execute(params![seq, begin.number, time(begin.now)])?;
        self.names.leaves(name, JobState::Ready);
        self.names.enters(name, JobState::Running);
        Ok(true)
    }

    /// Lets the worker hold a job whose attempt it has begun. Returns whether it was that attempt.
    pub(crate) fn hold(&mut self, seq: i64, release: &Release) -> Result<bool, Error> {
        let row = params![seq, WorkerText::of(&release.worker), release.number];
        let begun: Option<NameId> = self.sql.hold.query_row(row, |row| row.get(0)).optional()?;
        let Some(name) = begun else { return Ok(self.sql.select_held.exists(row)?) };
        self.names.leaves(name, JobState::Running);
        self.names.enters(name, JobState::Ready);
        Ok(true)
    }

    /// Removes a job that the worker runs or holds, if it is that attempt.
    pub(crate) fn release(&mut self, seq: i64, release: &Release) -> Result<Option<Released>, Error> {
        let row = params![seq, WorkerText::of(&release.worker), release.number];
        let released = self.sql.release.query(row)?.next()?.map(rows::released);
        if let Some(released) = released.as_ref().filter(|released| !released.is_cancelled) {
            self.names.leaves(released.name, running_state(released.has_begun));
        }
        Ok(released)
    }

    pub(crate) fn insert_cancelled(&mut self, seq: i64, name: NameId, at: Timestamp) -> Result<(), Error> {
        self.sql.insert_cancelled.execute(params![seq, time(at)])?;
        self.names.enters(name, JobState::Cancelled);
        Ok(())
    }

    /// Removes a job that was claimed, or taken along from its line.
    pub(crate) fn remove_claimed(
        &mut self,
        name: NameId,
        ready: &Ready,
        was_in_line: bool,
    ) -> Result<(), Error> {
        self.sql.delete_claimed.execute(params![name, ready.priority, ready.seq, was_in_line])?;
        self.names.leaves(name, JobState::Ready);
        Ok(())
    }

    /// Removes a ready job; `None` if it is not ready.
    fn remove_ready(&mut self, seq: i64, keys: &SpecKeys) -> Result<Option<Cancelled>, Error> {
        let row = params![keys.name, keys.priority, seq];
        let read = |row: &Row<'_>| Ok(Cancelled::Ready { promoted: row.get(0)? });
        let removed = self.sql.delete_ready.query_row(row, read).optional()?;
        if removed.is_some() {
            self.names.leaves(keys.name, JobState::Ready);
        }
        Ok(removed)
    }

    /// Removes a job whose attempt has ended.
    pub(crate) fn remove_running(&mut self, seq: i64, name: NameId) -> Result<(), Error> {
        self.sql.delete_running.execute([seq])?;
        self.names.leaves(name, JobState::Running);
        Ok(())
    }

    /// Removes a job from its state table, or marks it there as cancelled if a worker runs or holds it; `None` if it has ended.
    pub(crate) fn cancel(&mut self, seq: i64, keys: &SpecKeys) -> Result<Option<Cancelled>, Error> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let waiting: Option<(NameId, bool)> = self.sql.delete_waiting.query_row([seq], read).optional()?;
        if let Some((name, was_lane_head)) = waiting {
            self.names.leaves(name, JobState::Waiting);
            return Ok(Some(Cancelled::Waiting { was_lane_head }));
        }
        if let Some(ready) = self.remove_ready(seq, keys)? {
            return Ok(Some(ready));
        }
        let Some(running) = self.running_attempt(seq)? else { return Ok(None) };
        self.sql.cancel_running.execute([seq])?;
        self.names.leaves(running.name, running_state(running.has_begun));
        Ok(Some(Cancelled::Running(running)))
    }

    fn running_attempt(&mut self, seq: i64) -> Result<Option<RunningAttempt>, Error> {
        let mut rows = self.sql.select_running.query([seq])?;
        Ok(rows.next()?.map(rows::running_attempt))
    }

    /// Returns to its lane a failed job that is retried by hand. It becomes the head instead of a later job that is waiting;
    /// the first job of the lane does, if another was retried before. Returns whether the job is the head.
    ///
    /// So it is never blocked by a job that waits for an earlier one of the same lane.
    pub(crate) fn reenter_lane(&mut self, lane: &str, seq: i64) -> Result<bool, Error> {
        match self.lanes.head(lane)? {
            Some((head, true)) if head > seq => {
                self.sql.block_in_lane.execute([head])?;
                self.lanes.enter_tail(lane, head)?;
                let Some(first) = self.lanes.next(lane)?.filter(|first| *first < seq) else {
                    self.lanes.set_head(lane, seq)?;
                    return Ok(true);
                };
                self.lanes.enter_tail(lane, seq)?;
                self.promote(lane, first)?;
                Ok(false)
            }
            _ => self.lanes.enter(lane, seq),
        }
    }

    /// Removes a job that has ended from its lane. The next job becomes the head if this one was.
    pub(crate) fn leave_lane(&mut self, lane: &str, seq: i64, was_head: bool) -> Result<bool, Error> {
        if !was_head {
            self.lanes.leave_tail(lane, seq)?;
            return Ok(false);
        }
        while let Some(next) = self.lanes.next(lane)? {
            // A job that does not wait was deleted or edited by hand.
            if let Some(has_work) = self.promote(lane, next)? {
                return Ok(has_work);
            }
        }
        self.lanes.remove(lane)?;
        Ok(false)
    }

    /// Makes a job of the tail the head; `None` if it does not wait.
    fn promote(&mut self, lane: &str, seq: i64) -> Result<Option<bool>, Error> {
        self.lanes.leave_tail(lane, seq)?;
        self.lanes.set_head(lane, seq)?;
        if self.make_ready(seq)? {
            return Ok(Some(true));
        }
        let is_unblocked = self.sql.unblock_in_lane.query_row([seq], |row| row.get(0)).optional()?;
        self.cache.note_unblocked(seq);
        Ok(is_unblocked)
    }

    /// The lane of a job that is its head, even if the stored key cannot be read.
    pub(crate) fn lane_of_head(
        &mut self,
        seq: i64,
        order_key: Option<String>,
        unreadable: &[Unreadable],
    ) -> Result<Option<String>, Error> {
        if unreadable.iter().any(|part| part.column == "order_key") {
            return self.lanes.of_head(seq);
        }
        Ok(order_key)
    }

    /// Makes a job wait for another. Returns whether it did not wait for that one yet.
    pub(crate) fn insert_predecessor(&mut self, predecessor: i64, seq: i64) -> Result<bool, Error> {
        self.has_predecessors = Some(true);
        Ok(self.sql.insert_predecessor.execute([predecessor, seq])? == 1)
    }

    /// The job does not wait for others any more.
    pub(crate) fn delete_predecessors(&mut self, seq: i64) -> Result<(), Error> {
        self.sql.delete_predecessors.execute([seq])?;
        Ok(())
    }

    /// The jobs that wait for this one, in order.
    pub(crate) fn successors(&mut self, seq: i64) -> Result<Vec<i64>, Error> {
        if !self.has_predecessors()? {
            return Ok(Vec::new());
        }
        let found: Result<_, _> = self.sql.select_successors.query_map([seq], |row| row.get(0))?.collect();
        Ok(found?)
    }

    pub(crate) fn has_successors(&mut self, seq: i64) -> Result<bool, Error> {
        Ok(self.has_predecessors()? && self.sql.select_successors.exists([seq])?)
    }

    /// No job waits for this one any more.
    pub(crate) fn delete_successors(&mut self, seq: i64) -> Result<(), Error> {
        self.sql.delete_successors.execute([seq])?;
        self.has_predecessors = None;
        Ok(())
    }

    fn has_predecessors(&mut self) -> Result<bool, Error> {
        if let Some(has_predecessors) = self.has_predecessors {
            return Ok(has_predecessors);
        }
        let has_predecessors = self.sql.select_any_successor.exists([])?;
        self.has_predecessors = Some(has_predecessors);
        Ok(has_predecessors)
    }

    /// Unblocks the successors of a job that has succeeded.
    pub(crate) fn release_successors(&mut self, seq: i64) -> Result<bool, Error> {
        let successors = self.successors(seq)?;
        if successors.is_empty() {
            return Ok(false);
        }
        self.delete_successors(seq)?;
        let mut has_work = false;
        for successor in successors {
            has_work |= self.unblock_successor(successor)?;
        }
        Ok(has_work)
    }

    fn unblock_successor(&mut self, successor: i64) -> Result<bool, Error> {
        if self.make_ready(successor)? {
            return Ok(true);
        }
        let is_unblocked: Option<bool> =
            self.sql.decrement_pending.query_row([successor], |row| row.get(0)).optional()?;
        self.cache.note_unblocked(successor);
        Ok(is_unblocked == Some(true))
    }

    /// Makes a waiting job ready if it has one blocker left, which ends. Returns whether it is ready.
    fn make_ready(&mut self, seq: i64) -> Result<bool, Error> {
        let unblocked: Option<NameId> =
            self.sql.select_unblocked.query_row([seq], |row| row.get(0)).optional()?;
        let Some(name) = unblocked else { return Ok(false) };
        if self.sql.insert_unblocked.execute([seq])? == 0 {
            return Ok(false);
        }
        self.sql.delete_unblocked.execute([seq])?;
        self.names.leaves(name, JobState::Waiting);
        self.names.enters(name, JobState::Ready);
        self.cache.note_unblocked(seq);
        Ok(true)
    }
}

/// The state of a job that a worker runs or holds.
fn running_state(has_begun: bool) -> JobState {
    if has_begun { JobState::Running } else { JobState::Ready }
}
