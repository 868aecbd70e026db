use std::cmp::Reverse;
use std::sync::Arc;

use enact::store::Claim;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::prepare::statements;
use crate::encode::{integer, time};
use crate::error::Error;
use crate::rows::{self, Ready};

statements! { Claims {
    insert_due: "
        INSERT INTO ready (name, priority, seq, attempts, spent, order_key)
        SELECT s.name, s.priority, w.seq, w.attempts, w.spent, s.order_key
        FROM (SELECT seq, attempts, spent FROM waiting
            WHERE due_at IS NOT NULL AND blocked_in_lane = 0 AND pending = 0 AND due_at <= ?1
            ORDER BY due_at, seq LIMIT ?2) AS w
        CROSS JOIN job_specs AS s ON s.seq = w.seq",
    delete_due: "
        DELETE FROM waiting WHERE seq IN (SELECT seq FROM waiting
            WHERE due_at IS NOT NULL AND blocked_in_lane = 0 AND pending = 0 AND due_at <= ?1
            ORDER BY due_at, seq LIMIT ?2)",
    select_next_due: "
        SELECT min(due_at) FROM waiting WHERE due_at IS NOT NULL AND blocked_in_lane = 0 AND pending = 0",
    /// One seek finds each name, however many jobs it has.
    select_first_name: "SELECT name FROM ready ORDER BY name LIMIT 1",
    select_next_name: "SELECT name FROM ready WHERE name > ?1 ORDER BY name LIMIT 1",
    select_ready: "
        SELECT priority, seq, attempts, spent, order_key FROM ready WHERE name = ?1 ORDER BY priority DESC, seq LIMIT ?2",
} }

impl Claims<'_> {
    /// Makes at most [`Claim::MAX_WOKEN`] due jobs ready. Returns the next time that a job waits for.
    pub(crate) fn wake(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let next_due = self.next_due()?;
        if next_due.is_none_or(|due_at| time(due_at) > time(now)) {
            return Ok(next_due);
        }
        let due = [time(now), integer(Claim::MAX_WOKEN)];
        self.insert_due.execute(due)?;
        self.delete_due.execute(due)?;
        self.next_due()
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Error> {
        self.select_next_due.query_row([], |row| Ok(rows::next_due(row)))?
    }

    /// The jobs to claim from each queue, in the order in which they are to run, with their names.
    pub(crate) fn find(&mut self, claim: &Claim) -> Result<impl Iterator<Item = (Arc<str>, Ready)>, Error> {
        let mut queues: Vec<Vec<_>> = claim.room.iter().map(|_| Vec::new()).collect();
        let mut next = self.select_first_name.query_row([], |row| row.get(0)).optional()?;
        while let Some(found) = next {
            let found: String = found;
            if let Some((name, queue)) = claim.queues.get_key_value(&*found)
                && let (Some(jobs), Some(room @ 1..)) = (queues.get_mut(*queue), claim.room.get(*queue))
            {
                let ready = self.select_ready.query_and_then(params![name, integer(*room)], rows::ready)?;
                for ready in ready {
                    jobs.push((name.clone(), ready?));
                }
            }
            next = self.select_next_name.query_row([found], |row| row.get(0)).optional()?;
        }
        for (jobs, room) in queues.iter_mut().zip(&claim.room) {
            jobs.sort_unstable_by_key(|(_, ready)| (Reverse(ready.priority), ready.seq));
            jobs.truncate(*room);
        }
        Ok(queues.into_iter().flatten())
    }
}
