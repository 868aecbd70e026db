use std::collections::VecDeque;

use enact::store::{Changed, StoreError};
use enact::{Failure, JobId, JobState};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::claim::DELETE_READY;
use super::commit::DELETE_RUNNING;
use super::counters::Counters;
use super::live::{Hindrances, Live, Standing};
use super::{Operation, prepare};
use crate::encode::{json, rank, time};
use crate::error::Broken;
use crate::recent::Recent;
use crate::rows::{self, Underway};

pub(crate) const SELECT_LIVE_REQUEST: &str = "
    SELECT id, name, priority, order_key, after IS NOT NULL FROM requests WHERE seq = ?1";

pub(crate) const DELETE_WAITING: &str = "DELETE FROM waiting WHERE seq = ?1 RETURNING in_line = 0";

pub(crate) const SELECT_UNDERWAY: &str = "SELECT attempts, worker, started_at FROM running WHERE seq = ?1";

pub(crate) const INSERT_CANCELLED_ATTEMPT: &str = "
    INSERT INTO attempts (job, number, worker, started_at, ended_at, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// A job that waits no more is the successor of none: of those that it comes after, the ones that have not succeeded know it.
pub(crate) const DELETE_PREDECESSORS: &str = "
    DELETE FROM predecessors WHERE seq = ?1 AND predecessor IN (
        SELECT p.seq FROM requests AS r CROSS JOIN json_each(r.after) AS j CROSS JOIN requests AS p ON p.id = j.value
        WHERE r.seq = ?1)";

pub(crate) const SELECT_LAST_ATTEMPT: &str = "SELECT max(number) FROM attempts WHERE job = ?1";

/// [`Store::cancel`](enact::store::Store::cancel).
pub(crate) struct Cancelling {
    jobs: Vec<JobId>,
    failure: String,
    now: Timestamp,
}

impl Cancelling {
    pub(crate) fn of(jobs: Vec<JobId>, failure: &Failure, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self { jobs, failure: json("the failure of a cancelled attempt", failure)?, now })
    }
}

impl Operation for Cancelling {
    type Answer = Vec<Changed>;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Vec<Changed>, Broken> {
        let super::Statements { by_hand, live, counters, .. } = statements;
        let change = |id: &JobId| {
            Ok(match live.find(*id)? {
                None => Changed::Missing,
                Some((_, state)) if !state.may_become(JobState::Cancelled) => Changed::Illegal(state),
                Some((seq, _)) => Changed::Done(by_hand.cancel_all_from(seq, self, live, counters)?),
            })
        };
        self.jobs.iter().map(change).collect()
    }
}

/// [`Store::retry`](enact::store::Store::retry).
pub(crate) struct Retrying(pub(crate) Vec<JobId>);

impl Operation for Retrying {
    type Answer = Vec<Changed>;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Vec<Changed>, Broken> {
        let super::Statements { by_hand, live, counters, .. } = statements;
        let change = |id: &JobId| {
            Ok(match live.find(*id)? {
                None => Changed::Missing,
                Some((_, state)) if !state.may_become(JobState::Ready) || !state.has_ended() => {
                    Changed::Illegal(state)
                }
                Some((seq, _)) => {
                    by_hand.retry(seq, live, counters)?;
                    Changed::Done(vec![*id])
                }
            })
        };
        self.0.iter().map(change).collect()
    }
}

/// What is asked of a request whose job changes where it stands.
pub(crate) struct LiveRequest {
    pub(crate) id: JobId,
    pub(crate) name: String,
    pub(crate) priority: i32,
    pub(crate) order_key: Option<String>,
    pub(crate) comes_after_others: bool,
}

pub(super) struct Statements<'c> {
    select_live_request: Statement<'c>,
    delete_waiting: Statement<'c>,
    delete_ready: Statement<'c>,
    select_underway: Statement<'c>,
    delete_running: Statement<'c>,
    insert_cancelled_attempt: Statement<'c>,
    delete_predecessors: Statement<'c>,
    select_last_attempt: Statement<'c>,
    recent: &'c Recent,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            select_live_request: prepare(connection, SELECT_LIVE_REQUEST)?,
            delete_waiting: prepare(connection, DELETE_WAITING)?,
            delete_ready: prepare(connection, DELETE_READY)?,
            select_underway: prepare(connection, SELECT_UNDERWAY)?,
            delete_running: prepare(connection, DELETE_RUNNING)?,
            insert_cancelled_attempt: prepare(connection, INSERT_CANCELLED_ATTEMPT)?,
            delete_predecessors: prepare(connection, DELETE_PREDECESSORS)?,
            select_last_attempt: prepare(connection, SELECT_LAST_ATTEMPT)?,
            recent,
        })
    }

    fn request(&mut self, seq: i64) -> Result<LiveRequest, Broken> {
        let mut rows = self.select_live_request.query([seq])?;
        match rows.next()? {
            Some(row) => rows::live_request(seq, row),
            None => Err(Broken::Row {
                table: "requests",
                row: format!("with seq {seq}"),
                column: "seq",
                reason: "is missing".to_owned(),
            }),
        }
    }

    /// Cancels a job, and all that comes after it (r24, r26). Their ids, its own first.
    fn cancel_all_from(
        &mut self,
        seq: i64,
        call: &Cancelling,
        live: &mut Live<'_>,
        counters: &mut Counters<'_>,
    ) -> Result<Vec<JobId>, Broken> {
        let mut cancelled = Vec::new();
        let mut next = VecDeque::from([seq]);
        while let Some(seq) = next.pop_front() {
            let request = self.request(seq)?;
            // What comes after two of them is met twice.
            let Some(had_turn) = self.take(seq, &request, call)? else { continue };
            live.cancel(seq, call.now)?;
            counters.end(&request.name);
            self.recent.note_cancelled(seq, request.id);
            if request.comes_after_others {
                self.delete_predecessors.execute([seq])?;
            }
            next.extend(live.successors(seq)?);
            live.forget_successors(seq)?;
            if let Some(lane) = &request.order_key {
                live.leave_lane(lane, seq, had_turn)?;
            }
            cancelled.push(request.id);
        }
        Ok(cancelled)
    }

    /// Takes a job away from where it stands, and ends its attempt, if one is under way. Whether it had the turn in its lane;
    /// `None` if it has ended.
    fn take(&mut self, seq: i64, request: &LiveRequest, call: &Cancelling) -> Result<Option<bool>, Broken> {
        let had_turn: Option<bool> = self.delete_waiting.query_row([seq], |row| row.get(0)).optional()?;
        if had_turn.is_some() {
            return Ok(had_turn);
        }
        if self.delete_ready.execute(params![request.name, rank(request.priority), seq])? > 0 {
            return Ok(Some(true));
        }
        let Some(Underway { number, worker, started_at }) = self.underway(seq)? else { return Ok(None) };
        self.delete_running.execute([seq])?;
        self.insert_cancelled_attempt.execute(params![
            seq,
            number,
            worker.as_str(),
            time(started_at),
            time(call.now),
            call.failure
        ])?;
        Ok(Some(true))
    }

    fn underway(&mut self, seq: i64) -> Result<Option<Underway>, Broken> {
        let mut rows = self.select_underway.query([seq])?;
        rows.next()?.map(|row| rows::underway(seq, row)).transpose()
    }

    /// Lets a failed job run again (r22).
    fn retry(&mut self, seq: i64, live: &mut Live<'_>, counters: &mut Counters<'_>) -> Result<(), Broken> {
        let LiveRequest { name, priority, order_key, .. } = self.request(seq)?;
        let attempts: u32 = self.select_last_attempt.query_row([seq], |row| row.get(0))?;
        let in_line = match &order_key {
            Some(lane) => !live.enter_lane_again(lane, seq)?,
            None => false,
        };
        let standing = Standing {
            seq,
            name: &name,
            priority,
            order_key: order_key.as_deref(),
            attempts,
            spent: attempts,
        };
        live.stand(&standing, Hindrances { in_line, ..Hindrances::default() })?;
        counters.begin(&name);
        Ok(())
    }
}
