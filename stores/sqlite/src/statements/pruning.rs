use enact::JobState;
use enact::store::Prune;
use rusqlite::OptionalExtension;

use super::counters::Counters;
use super::names::NameId;
use super::prepare::statements;
use crate::error::Error;
use crate::rows;

statements! { Pruning {
    /// Unless a worker is still to release it.
    select_end: "
        SELECT j.state, j.ended_at FROM jobs AS j
        WHERE j.seq = ?1 AND NOT EXISTS (SELECT 1 FROM running AS live WHERE live.seq = ?1)",
    delete_attempts: "DELETE FROM attempts WHERE seq = ?1",
    delete_cancelled: "DELETE FROM cancelled WHERE seq = ?1",
    delete_spec: "DELETE FROM job_specs WHERE seq = ?1 RETURNING name",
} }

impl Pruning<'_> {
    /// The state in which a job has ended that is to be pruned.
    pub(crate) fn end(&mut self, seq: i64, prune: &Prune) -> Result<Option<JobState>, Error> {
        let mut rows = self.select_end.query([seq])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (state, ended_at) = rows::end(row);
        Ok(ended_at.filter(|ended_at| prune.matches(state, *ended_at)).map(|_| state))
    }

    /// Deletes an ended job. Returns its name.
    pub(crate) fn delete(&mut self, seq: i64, counters: &mut Counters<'_>) -> Result<Option<NameId>, Error> {
        counters.retain_job(seq)?;
        self.delete_attempts.execute([seq])?;
        self.delete_cancelled.execute([seq])?;
        Ok(self.delete_spec.query_row([seq], |row| row.get(0)).optional()?)
    }
}
