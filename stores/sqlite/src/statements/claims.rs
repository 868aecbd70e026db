use std::cmp::Reverse;
use std::sync::Arc;

use enact::store::{Claim, Claimable};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::prepare::statements;
use crate::encode::{integer, time};
use crate::error::Error;
use crate::raw_text::RawText;
use crate::rows::{self, Ready};

statements! { Claims {
    insert_due: "
        INSERT INTO ready (in_line, name, priority, seq, attempts, spent, order_key)
        SELECT 0, s.name, s.priority, w.seq, w.attempts, w.spent, s.order_key
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
    select_first_name: "SELECT name FROM ready WHERE in_line = 0 ORDER BY name LIMIT 1",
    select_next_name: "SELECT name FROM ready WHERE in_line = 0 AND name > ?1 ORDER BY name LIMIT 1",
    /// For a name that is not UTF-8, in a file that was edited by hand.
    repair_name: "
        UPDATE OR IGNORE ready SET name = (SELECT s.name FROM job_specs AS s WHERE s.seq = ready.seq)
        WHERE in_line = 0 AND name = ?1",
    select_ready: "
        SELECT priority, seq, attempts, spent, order_key, entity FROM ready
        WHERE in_line = 0 AND name = ?1 ORDER BY priority DESC, seq LIMIT ?2",
} }

/// A ready job that may be claimed if its entity is free.
pub(crate) struct Candidate {
    pub(crate) name: Arc<str>,
    pub(crate) queue: usize,
    /// The type of the entity that the handler binds.
    pub(crate) entity: Option<&'static str>,
    pub(crate) ready: Ready,
}

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
        Ok(self.select_next_due.query_row([], |row| Ok(rows::next_due(row)))?)
    }

    /// The first ready jobs of each queue that has room, in the order in which they are to run: at most `limits` for each queue.
    pub(crate) fn find(&mut self, claim: &Claim, limits: &[usize]) -> Result<Vec<Candidate>, Error> {
        let mut queues: Vec<Vec<_>> = limits.iter().map(|_| Vec::new()).collect();
        let mut next: Option<RawText> = self.select_first_name.query_row([], |row| row.get(0)).optional()?;
        while let Some(found) = next {
            if let Some((name, Claimable { queue, entity })) = claim.names.get_key_value(&*found.to_text())
                && let (Some(jobs), Some(limit @ 1..)) = (queues.get_mut(*queue), limits.get(*queue))
            {
                let read = |row: &Row<'_>| Ok(rows::ready(row));
                for ready in self.select_ready.query_map(params![name, integer(*limit)], read)? {
                    jobs.push(Candidate {
                        name: name.clone(),
                        queue: *queue,
                        entity: *entity,
                        ready: ready?,
                    });
                }
            }
            if found.is_damaged() {
                self.repair_name.execute([&found])?;
            }
            next = self.select_next_name.query_row([found], |row| row.get(0)).optional()?;
        }
        for (jobs, limit) in queues.iter_mut().zip(limits) {
            jobs.sort_unstable_by_key(|Candidate { ready, .. }| (Reverse(ready.priority), ready.seq));
            jobs.truncate(*limit);
        }
        Ok(queues.into_iter().flatten().collect())
    }
}
