use enact::{JobId, JobState};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::prepare;
use crate::encode::{IdText, integer, rank, time};
use crate::error::Broken;
use crate::recent::Recent;
use crate::rows;

pub(crate) const SELECT_STANDING: &str = "SELECT j.seq, j.state FROM jobs AS j WHERE j.id = ?1";

pub(crate) const INSERT_WAITING: &str = "
    INSERT INTO waiting (seq, attempts, spent, in_line, pending, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

pub(crate) const INSERT_READY: &str = "
    INSERT INTO ready (name, rank, seq, attempts, spent, order_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

pub(crate) const INSERT_TURN: &str =
    "INSERT INTO turns (order_key, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

pub(crate) const UPDATE_TURN: &str = "UPDATE turns SET seq = ?2 WHERE order_key = ?1";

pub(crate) const DELETE_TURN: &str = "DELETE FROM turns WHERE order_key = ?1";

/// Who has the turn in a lane, and whether it waits.
pub(crate) const SELECT_TURN: &str = "
    SELECT t.seq, w.seq IS NOT NULL FROM turns AS t LEFT JOIN waiting AS w ON w.seq = t.seq WHERE t.order_key = ?1";

pub(crate) const INSERT_LANE: &str = "INSERT INTO lanes (order_key, seq) VALUES (?1, ?2)";

pub(crate) const DELETE_LANE: &str = "DELETE FROM lanes WHERE order_key = ?1 AND seq = ?2";

pub(crate) const SELECT_HEAD: &str = "SELECT seq FROM lanes WHERE order_key = ?1 ORDER BY seq LIMIT 1";

pub(crate) const TAKE_TURN: &str = "UPDATE waiting SET in_line = 1 WHERE seq = ?1";

/// The job whose last hindrance ends becomes ready, unless it has a time to wait for.
pub(crate) const INSERT_FREED: &str = "
    INSERT INTO ready (name, rank, seq, attempts, spent, order_key)
    SELECT r.name, -r.priority, w.seq, w.attempts, w.spent, r.order_key
    FROM waiting AS w CROSS JOIN requests AS r ON r.seq = w.seq
    WHERE w.seq = ?1 AND w.in_line + w.pending = 1 AND w.due_at IS NULL";

pub(crate) const DELETE_FREED: &str = "DELETE FROM waiting WHERE seq = ?1";

pub(crate) const GIVE_TURN: &str = "
    UPDATE waiting SET in_line = 0 WHERE seq = ?1 RETURNING pending = 0";

pub(crate) const END_PENDING: &str = "
    UPDATE waiting SET pending = pending - 1 WHERE seq = ?1 RETURNING pending = 0 AND in_line = 0";

pub(crate) const INSERT_PREDECESSOR: &str = "
    INSERT INTO predecessors (predecessor, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

pub(crate) const SELECT_SUCCESSORS: &str = "
    SELECT seq FROM predecessors WHERE predecessor = ?1 ORDER BY seq";

pub(crate) const DELETE_SUCCESSORS: &str = "DELETE FROM predecessors WHERE predecessor = ?1";

pub(crate) const INSERT_CANCELLED: &str = "INSERT INTO cancelled (seq, ended_at) VALUES (?1, ?2)";

/// A job that has not ended, where it stands.
pub(super) struct Standing<'a> {
    pub(super) seq: i64,
    pub(super) name: &'a str,
    pub(super) priority: i32,
    pub(super) order_key: Option<&'a str>,
    pub(super) attempts: u32,
    pub(super) spent: u32,
}

/// What hinders a job from being ready.
#[derive(Clone, Copy, Default)]
pub(super) struct Hindrances {
    /// It has not its turn in its lane.
    pub(super) in_line: bool,
    /// How many of those that it comes after have not succeeded.
    pub(super) pending: usize,
    /// The time that it waits for.
    pub(super) due_at: Option<Timestamp>,
}

/// The jobs that have not ended: what they wait for, and what becomes of them when it ends (r26).
///
/// Where a method answers a `bool`, it is whether there is something to claim, or to wait for, that there was not before.
pub(super) struct Live<'c> {
    select_standing: Statement<'c>,
    insert_waiting: Statement<'c>,
    insert_ready: Statement<'c>,
    insert_turn: Statement<'c>,
    update_turn: Statement<'c>,
    delete_turn: Statement<'c>,
    select_turn: Statement<'c>,
    insert_lane: Statement<'c>,
    delete_lane: Statement<'c>,
    select_head: Statement<'c>,
    take_turn: Statement<'c>,
    insert_freed: Statement<'c>,
    delete_freed: Statement<'c>,
    give_turn: Statement<'c>,
    end_pending: Statement<'c>,
    insert_predecessor: Statement<'c>,
    select_successors: Statement<'c>,
    delete_successors: Statement<'c>,
    insert_cancelled: Statement<'c>,
    recent: &'c Recent,
}

impl<'c> Live<'c> {
    pub(super) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            select_standing: prepare(connection, SELECT_STANDING)?,
            insert_waiting: prepare(connection, INSERT_WAITING)?,
            insert_ready: prepare(connection, INSERT_READY)?,
            insert_turn: prepare(connection, INSERT_TURN)?,
            update_turn: prepare(connection, UPDATE_TURN)?,
            delete_turn: prepare(connection, DELETE_TURN)?,
            select_turn: prepare(connection, SELECT_TURN)?,
            insert_lane: prepare(connection, INSERT_LANE)?,
            delete_lane: prepare(connection, DELETE_LANE)?,
            select_head: prepare(connection, SELECT_HEAD)?,
            take_turn: prepare(connection, TAKE_TURN)?,
            insert_freed: prepare(connection, INSERT_FREED)?,
            delete_freed: prepare(connection, DELETE_FREED)?,
            give_turn: prepare(connection, GIVE_TURN)?,
            end_pending: prepare(connection, END_PENDING)?,
            insert_predecessor: prepare(connection, INSERT_PREDECESSOR)?,
            select_successors: prepare(connection, SELECT_SUCCESSORS)?,
            delete_successors: prepare(connection, DELETE_SUCCESSORS)?,
            insert_cancelled: prepare(connection, INSERT_CANCELLED)?,
            recent,
        })
    }

    /// The place and the state of any job, whether it has ended or not; `None` if there is no such job.
    pub(super) fn find(&mut self, id: JobId) -> Result<Option<(i64, JobState)>, Broken> {
        let mut rows = self.select_standing.query([IdText::from(id)])?;
        rows.next()?.map(rows::standing).transpose()
    }

    /// Lets a job stand where it belongs: it is ready if nothing hinders it, and waits otherwise.
    pub(super) fn stand(&mut self, job: &Standing<'_>, hindrances: Hindrances) -> Result<bool, Broken> {
        let Standing { seq, name, priority, order_key, attempts, spent } = *job;
        let Hindrances { in_line, pending, due_at } = hindrances;
        if !in_line && pending == 0 && due_at.is_none() {
            self.insert_ready.execute(params![name, rank(priority), seq, attempts, spent, order_key])?;
            return Ok(true);
        }
        self.insert_waiting.execute(params![
            seq,
            attempts,
            spent,
            in_line,
            integer(pending),
            due_at.map(time)
        ])?;
        Ok(!in_line && pending == 0)
    }

    /// Puts a job at the end of a lane. Whether it has the turn.
    pub(super) fn enter_lane(&mut self, lane: &str, seq: i64) -> Result<bool, Broken> {
        let has_turn = self.insert_turn.execute(params![lane, seq])? == 1;
        if !has_turn {
            self.insert_lane.execute(params![lane, seq])?;
        }
        Ok(has_turn)
    }

    /// Puts a job that is retried by hand where it stood in its lane. The turn is taken from one behind it that waits, and
    /// given to the first: another one in front of it may have been retried by hand before. Whether it has the turn.
    ///
    /// So no job that waits for an earlier one of its lane keeps it from running.
    pub(super) fn enter_lane_again(&mut self, lane: &str, seq: i64) -> Result<bool, Broken> {
        let turn: Option<(i64, bool)> =
            self.select_turn.query_row([lane], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match turn {
            Some((holder, waits)) if waits && holder > seq => {
                self.take_turn.execute([holder])?;
                self.insert_lane.execute(params![lane, holder])?;
                let Some(head) = self.head(lane)?.filter(|head| *head < seq) else {
                    self.update_turn.execute(params![lane, seq])?;
                    return Ok(true);
                };
                self.insert_lane.execute(params![lane, seq])?;
                self.give_turn_to(lane, head)?;
                Ok(false)
            }
            _ => self.enter_lane(lane, seq),
        }
    }

    /// Takes a job that has ended out of its lane. If it had the turn, the first of the others has it now.
    pub(super) fn leave_lane(&mut self, lane: &str, seq: i64, had_turn: bool) -> Result<bool, Broken> {
        if !had_turn {
            self.delete_lane.execute(params![lane, seq])?;
            return Ok(false);
        }
        let Some(head) = self.head(lane)? else {
            self.delete_turn.execute([lane])?;
            return Ok(false);
        };
        self.give_turn_to(lane, head)
    }

    /// The first of those in line.
    fn head(&mut self, lane: &str) -> Result<Option<i64>, Broken> {
        Ok(self.select_head.query_row([lane], |row| row.get(0)).optional()?)
    }

    /// A job that was in line has the turn.
    fn give_turn_to(&mut self, lane: &str, head: i64) -> Result<bool, Broken> {
        self.delete_lane.execute(params![lane, head])?;
        self.update_turn.execute(params![lane, head])?;
        Ok(self.make_ready(head)? || {
            let freed: Option<bool> = self.give_turn.query_row([head], |row| row.get(0)).optional()?;
            self.note_freed(head, freed)
        })
    }

    /// A job waits until another has succeeded. Whether that was not known yet.
    pub(super) fn wait_for(&mut self, predecessor: i64, seq: i64) -> Result<bool, Broken> {
        Ok(self.insert_predecessor.execute([predecessor, seq])? == 1)
    }

    /// Those that come after a job, first ones first.
    pub(super) fn successors(&mut self, seq: i64) -> Result<Vec<i64>, Broken> {
        let found: Result<_, _> = self.select_successors.query_map([seq], |row| row.get(0))?.collect();
        Ok(found?)
    }

    /// Whether a job waits for this one.
    pub(super) fn is_awaited(&mut self, seq: i64) -> Result<bool, Broken> {
        Ok(self.select_successors.exists([seq])?)
    }

    /// What comes after a job waits for it no more, because there is nothing left to wait for.
    pub(super) fn forget_successors(&mut self, seq: i64) -> Result<(), Broken> {
        self.delete_successors.execute([seq])?;
        Ok(())
    }

    /// A job has succeeded: those that come after it wait for it no more.
    pub(super) fn release_successors(&mut self, seq: i64) -> Result<bool, Broken> {
        let successors = self.successors(seq)?;
        if successors.is_empty() {
            return Ok(false);
        }
        self.forget_successors(seq)?;
        let mut any = false;
        for successor in successors {
            let freed = self.make_ready(successor)? || {
                let freed: Option<bool> =
                    self.end_pending.query_row([successor], |row| row.get(0)).optional()?;
                self.note_freed(successor, freed)
            };
            any |= freed;
        }
        Ok(any)
    }

    /// The last thing that hinders a job ends; whether that makes it ready.
    fn make_ready(&mut self, seq: i64) -> Result<bool, Broken> {
        if self.insert_freed.execute([seq])? == 0 {
            return Ok(false);
        }
        self.delete_freed.execute([seq])?;
        self.recent.note_freed(seq);
        Ok(true)
    }

    /// Something that hindered a job has ended, and it waits on: for its time only, if `freed`.
    fn note_freed(&self, seq: i64, freed: Option<bool>) -> bool {
        self.recent.note_freed(seq);
        freed == Some(true)
    }

    /// A job ends by being called off.
    pub(super) fn cancel(&mut self, seq: i64, at: Timestamp) -> Result<(), Broken> {
        self.insert_cancelled.execute(params![seq, time(at)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use rusqlite::StatementStatus;

    use super::*;
    use crate::operation::{Operation, Retrying, Statements};
    use crate::schema;

    /// What it takes to find out whose turn it is, and who is next, while so many failed jobs of one lane are retried behind which one
    /// runs: in steps of SQLite's machine.
    fn steps_of_retrying(jobs: u32) -> Result<i32, Box<dyn Error>> {
        let connection = Connection::open_in_memory()?;
        schema::migrate(&connection).map_err(|broken| format!("{broken:?}"))?;
        connection.execute_batch(&format!(
            "WITH RECURSIVE places (seq) AS (VALUES (1) UNION ALL SELECT seq + 1 FROM places WHERE seq <= {jobs})
            INSERT INTO requests (seq, id, kind, name, created_at, order_key, correlation, payload, priority)
            SELECT seq, format('00000000-0000-7000-8000-%012d', seq), 'command', 'ship', 0, 'x', 'm', '1', 0 FROM places;
            INSERT INTO attempts (job, number, worker, started_at, ended_at, failure)
            SELECT seq, 1, 'w', 0, 0, '{{}}' FROM requests WHERE seq <= {jobs};
            INSERT INTO running (seq, attempts, spent, worker, started_at, name, order_key)
            SELECT seq, 1, 0, 'w', 0, name, order_key FROM requests WHERE seq > {jobs};
            INSERT INTO turns (order_key, seq) SELECT order_key, seq FROM running;"
        ))?;
        let ids = (1..=jobs).map(|seq| format!("00000000-0000-7000-8000-{seq:012}").parse());
        let retrying = Retrying(ids.collect::<Result<_, _>>()?);
        let recent = Recent::new();
        let mut statements = Statements::prepare(&connection, &recent)?;
        retrying.run(&mut statements).map_err(|broken| format!("{broken:?}"))?;

        let in_line: u32 =
            connection.query_row("SELECT count(*) FROM waiting WHERE in_line", [], |row| row.get(0))?;
        assert_eq!(in_line, jobs);
        let live = &statements.live;
        let looks = [&live.select_standing, &live.select_turn, &live.select_head, &live.insert_turn];
        Ok(looks.into_iter().map(|statement| statement.get_status(StatementStatus::VmStep)).sum())
    }

    #[test]
    fn retrying_all_of_a_lane_costs_the_same_for_each() -> Result<(), Box<dyn Error>> {
        let [few, many] = [steps_of_retrying(1_000)?, steps_of_retrying(2_000)?];
        assert!(many <= 2 * few, "{few} steps for a thousand, {many} for two");
        Ok(())
    }
}
