use enact::store::{Claim, Claimed};

use crate::error::Error;
use crate::operation::Operation;
use crate::rows::Ready;
use crate::statements::Statements;
use crate::statements::live_jobs::LiveJob;
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
        for (name, ready) in claims.find(claim)?.into_iter().flatten() {
            let Ready { priority, seq, attempts, spent, order_key } = ready;
            live.remove_ready(&name, priority, seq)?;
            let mut job = match cache.claim(seq) {
                Some(job) => job,
                None => match specs.claimed_job(seq)? {
                    Some(job) => {
                        cache.insert_running(seq, job.id);
                        job
                    }
                    // Its spec was deleted by hand.
                    None => {
                        counters.remove_queued(&name);
                        continue;
                    }
                },
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
