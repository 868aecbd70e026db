use std::cmp::Reverse;
use std::sync::Arc;

use enact::JobState;
use enact::store::{Claim, Claimable};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::names::{NameId, Names};
use super::prepare::statements;
use crate::encode::{integer, time};
use crate::error::Error;
use crate::rows::{self, Ready};

statements! { Claims {
    insert_due: "
        INSERT INTO ready (in_line, name, priority, seq, attempts, spent, order_key)
        SELECT 0, w.name, s.priority, w.seq, w.attempts, w.spent, s.order_key
        FROM (SELECT seq, name, attempts, spent FROM waiting
            WHERE due_at IS NOT NULL AND blocked_in_lane = 0 AND pending = 0 AND due_at <= ?1
            ORDER BY due_at, seq LIMIT ?2) AS w
        CROSS JOIN job_specs AS s ON s.seq = w.seq
        RETURNING name",
    delete_due: "
        DELETE FROM waiting WHERE seq IN (SELECT seq FROM waiting
            WHERE due_at IS NOT NULL AND blocked_in_lane = 0 AND pending = 0 AND due_at <= ?1
            ORDER BY due_at, seq LIMIT ?2)
        RETURNING name",
    select_next_due: "
        SELECT min(due_at) FROM waiting WHERE due_at IS NOT NULL AND blocked_in_lane = 0 AND pending = 0",
    /// One seek finds each name, however many jobs it has.
    select_first_name: "SELECT name FROM ready WHERE in_line = 0 ORDER BY name LIMIT 1",
    select_next_name: "SELECT name FROM ready WHERE in_line = 0 AND name > ?1 ORDER BY name LIMIT 1",
    /// For a number that stands for no name, in a file that was edited by hand.
    repair_name: "
        UPDATE OR IGNORE ready SET name = (SELECT s.name FROM job_specs AS s WHERE s.seq = ready.seq)
        WHERE in_line = 0 AND name = ?1",
    select_ready: "
        SELECT priority, seq, attempts, spent, order_key, entity FROM ready
        WHERE in_line = 0 AND name = ?1 ORDER BY priority DESC, seq LIMIT ?2 OFFSET ?3",
} }

/// A ready job that may be claimed if its entity is free.
pub(crate) struct Candidate {
    pub(crate) id: NameId,
    pub(crate) name: Arc<str>,
    pub(crate) queue: usize,
    /// The type of the entity that the handler binds.
    pub(crate) entity: Option<&'static str>,
    pub(crate) ready: Ready,
}

impl Candidate {
    /// The order in which jobs of one queue run.
    fn order(&self) -> (Reverse<i64>, i64) {
        (Reverse(self.ready.priority), self.ready.seq)
    }
}

/// A name that has ready jobs, and how far they were read.
struct ReadyName {
    id: NameId,
    name: Arc<str>,
    queue: usize,
    entity: Option<&'static str>,
    read: usize,
    /// The order of the last job that was read, if there may be more.
    last: Option<(Reverse<i64>, i64)>,
}

impl Claims<'_> {
    /// Makes at most [`Claim::MAX_WOKEN`] due jobs ready. Returns the next time that a job waits for.
    pub(crate) fn wake(&mut self, now: Timestamp, names: &mut Names<'_>) -> Result<Option<Timestamp>, Error> {
        let next_due = self.next_due()?;
        if next_due.is_none_or(|due_at| time(due_at) > time(now)) {
            return Ok(next_due);
        }
        let due = [time(now), integer(Claim::MAX_WOKEN)];
        for ready in self.insert_due.query_map(due, |row| row.get(0))? {
            names.enters(ready?, JobState::Ready);
        }
        for waiting in self.delete_due.query_map(due, |row| row.get(0))? {
            names.leaves(waiting?, JobState::Waiting);
        }
        self.next_due()
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.select_next_due.query_row([], |row| Ok(rows::next_due(row)))?)
    }

    /// The first ready jobs of each queue that has room, in the order in which they are to run: at most `limits` for each queue.
    pub(crate) fn find(
        &mut self,
        claim: &Claim,
        limits: &[usize],
        names: &mut Names<'_>,
    ) -> Result<Vec<Candidate>, Error> {
        let mut queues: Vec<Vec<ReadyName>> = limits.iter().map(|_| Vec::new()).collect();
        let mut next: Option<NameId> = self.select_first_name.query_row([], |row| row.get(0)).optional()?;
        while let Some(id) = next {
            match names.name(id)? {
                Some(name) => {
                    if let Some(Claimable { queue, entity }) = claim.names.get(&name).copied()
                        && let (Some(names), Some(1..)) = (queues.get_mut(queue), limits.get(queue))
                    {
                        names.push(ReadyName { id, name, queue, entity, read: 0, last: None });
                    }
                }
                None => _ = self.repair_name.execute([id])?,
            }
            next = self.select_next_name.query_row([id], |row| row.get(0)).optional()?;
        }
        let mut found = Vec::new();
        for (names, limit) in queues.into_iter().zip(limits) {
            found.extend(self.first_of(names, *limit)?);
        }
        Ok(found)
    }

    /// The first ready jobs of the names of one queue, at most `limit`. Of each name it reads about as many as are among them.
    fn first_of(&mut self, mut names: Vec<ReadyName>, limit: usize) -> Result<Vec<Candidate>, Error> {
        let mut found: Vec<Candidate> = Vec::new();
        let mut chunk = limit.div_ceil(names.len().max(1));
        while !names.is_empty() {
            for name in &mut names {
                self.read_more(name, chunk, &mut found)?;
            }
            found.sort_unstable_by_key(Candidate::order);
            found.truncate(limit);
            let last = found.last().filter(|_| found.len() == limit).map(Candidate::order);
            // More of a name may be among the first if the last one that was read of it is.
            names.retain(|name| name.last.is_some_and(|read| last.is_none_or(|last| read < last)));
            chunk *= 2;
        }
        Ok(found)
    }

    /// Reads the next `chunk` jobs of a name.
    fn read_more(
        &mut self,
        name: &mut ReadyName,
        chunk: usize,
        found: &mut Vec<Candidate>,
    ) -> Result<(), Error> {
        let parameters = params![name.id, integer(chunk), integer(name.read)];
        let before = found.len();
        for ready in self.select_ready.query_map(parameters, |row| Ok(rows::ready(row)))? {
            let ReadyName { id, name, queue, entity, .. } = name;
            let (id, name) = (*id, name.clone());
            found.push(Candidate { id, name, queue: *queue, entity: *entity, ready: ready? });
        }
        name.read += chunk;
        name.last = found.last().filter(|_| found.len() - before == chunk).map(Candidate::order);
        Ok(())
    }
}
