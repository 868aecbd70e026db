use enact::store::Prune;

use super::counters::Counters;
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
    delete_spec: "DELETE FROM job_specs WHERE seq = ?1",
} }

impl Pruning<'_> {
    /// Whether the job exists and is to be pruned.
    pub(crate) fn matches(&mut self, seq: i64, prune: &Prune) -> Result<bool, Error> {
        let mut rows = self.select_end.query([seq])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        let (state, ended_at) = rows::end(row);
        Ok(ended_at.is_some_and(|ended_at| prune.matches(state, ended_at)))
    }

    pub(crate) fn delete(&mut self, seq: i64, counters: &mut Counters<'_>) -> Result<(), Error> {
        counters.retain_job(seq)?;
        self.delete_attempts.execute([seq])?;
        self.delete_cancelled.execute([seq])?;
        self.delete_spec.execute([seq])?;
        Ok(())
    }
}
