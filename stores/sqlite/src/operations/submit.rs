use enact::store::{Limits, NewEvent, Start, Submitted};

use super::admission::{admit, insert_new};
use crate::encode::EncodedJob;
use crate::error::Error;
use crate::operation::Operation;
use crate::statements::Statements;
use crate::write_cache::WriteCache;

/// [`Store::submit`](enact::store::Store::submit).
pub(crate) struct SubmitJobs {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) jobs: Vec<EncodedJob>,
}

impl Operation for SubmitJobs {
    type Output = Vec<Submitted>;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Vec<Submitted>, Error> {
        let admission = admit(&self.jobs, Limits::Apply, statements)?;
        if !self.events.is_empty() && admission.refuses_events() {
            return Ok(admission.submitted);
        }
        statements.events.append(&self.events, &mut statements.counters)?;
        insert_new(&self.jobs, &admission.new, statements)?;
        Ok(admission.submitted)
    }

    /// Nothing, if all jobs start at once and may be repeated, or are held: the start of their attempts is what must be durable.
    fn depends_on(&self, output: &Vec<Submitted>, cache: &WriteCache) -> u64 {
        let all_start = self.jobs.iter().all(|EncodedJob { job, .. }| match job.start {
            Some(Start::Running(_)) => job.repeatable,
            Some(Start::Held(_)) => true,
            None => false,
        });
        let all_are_new = output.iter().all(|outcome| *outcome == Submitted::New);
        if self.events.is_empty() && all_start && all_are_new { 0 } else { cache.transaction() }
    }
}
