use enact::Job;
use enact::store::{Claim, Claimed};

use crate::error::Error;
use crate::operation::Operation;
use crate::rows::Ready;
use crate::statements::Statements;
use crate::statements::live_jobs::LiveJob;
use crate::statements::specs::Specs;
use crate::write_cache::WriteCache;

/// [`Store::claim`](enact::store::Store::claim).
pub(crate) struct ClaimJobs(pub(crate) Claim);

impl Operation for ClaimJobs {
    type Output = Claimed;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Claimed, Error> {
        let Self(claim) = self;
        let Statements { specs, live, claims, counters, cache, .. } = statements;
        let next_due = claims.wake(claim.now)?;
        let mut jobs = Vec::new();
        // All are found before the first is removed, because removing changes the index that the search reads.
        for (name, ready) in claims.find(claim)? {
            let Ready { priority, seq, attempts, spent, order_key } = ready;
            live.remove_ready(&name, priority, seq)?;
            let Some(mut job) = claimed_job(seq, specs, cache)? else {
                // Its spec was deleted by hand.
                counters.remove_queued(&name);
                continue;
            };
            let attempts = attempts.saturating_add(1);
            let order_key = order_key.as_deref();
            let running = LiveJob { seq, name: &name, priority, order_key, attempts, spent };
            live.insert_running(&running, &claim.worker, claim.now)?;
            (job.attempts, job.spent) = (attempts, spent);
            jobs.push(job);
        }
        Ok(Claimed { jobs, next_due })
    }

    fn depends_on(&self, output: &Claimed, cache: &WriteCache) -> u64 {
        output.jobs.iter().map(|job| cache.dependency_of(job.id)).max().unwrap_or(0)
    }
}

/// The job before its new attempt; `None` if its spec was deleted by hand.
fn claimed_job(seq: i64, specs: &mut Specs<'_>, cache: &WriteCache) -> Result<Option<Job>, Error> {
    if let Some(job) = cache.claim(seq) {
        return Ok(Some(job));
    }
    let job = specs.claimed_job(seq)?;
    if let Some(job) = &job {
        cache.insert_running(seq, job.id);
    }
    Ok(job)
}
