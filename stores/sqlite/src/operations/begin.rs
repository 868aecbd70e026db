use enact::JobId;
use enact::store::{Begin, Release};

use crate::error::Error;
use crate::operation::Operation;
use crate::rows::{Released, SpecKeys};
use crate::statements::Statements;
use crate::statements::live_jobs::{Blockers, LiveJob};
use crate::write_cache::WriteCache;

/// [`Store::begin`](enact::store::Store::begin).
pub(crate) struct BeginAttempt(pub(crate) Begin);

impl Operation for BeginAttempt {
    type Output = bool;

    fn run(&self, statements: &mut Statements<'_>) -> Result<bool, Error> {
        match seq(self.0.job, statements)? {
            Some(seq) => statements.live.begin(seq, &self.0),
            None => Ok(false),
        }
    }

    fn depends_on(&self, _: &bool, cache: &WriteCache) -> u64 {
        if self.0.repeatable { 0 } else { cache.transaction() }
    }
}

/// [`Store::release`](enact::store::Store::release).
pub(crate) struct ReleaseAttempt(pub(crate) Release);

impl Operation for ReleaseAttempt {
    type Output = bool;

    fn run(&self, statements: &mut Statements<'_>) -> Result<bool, Error> {
        let Self(release) = self;
        let Some(seq) = seq(release.job, statements)? else { return Ok(false) };
        let Statements { specs, live, turns, leases, cache, .. } = statements;
        if let Some(renewals) = release.lapsed
            && !leases.has_lapsed(&release.worker, renewals)?
        {
            return Ok(false);
        }
        if release.hold {
            return live.hold(seq, release);
        }
        let Some(released) = live.release(seq, release)? else { return Ok(false) };
        let Released { attempts, spent, name, order_key, is_cancelled, turn, unreadable, .. } = released;
        cache.remove_running(release.job);
        match specs.keys(seq)? {
            _ if is_cancelled => {
                if let Some(lane) = live.lane_of_head(seq, order_key, &unreadable)? {
                    live.leave_lane(&lane, seq, true)?;
                }
            }
            Some(SpecKeys { priority, order_key, .. }) => {
                let (priority, order_key) = (priority.into(), order_key.as_deref());
                let job = LiveJob { seq, name, priority, order_key, attempts, spent };
                live.insert(&job, Blockers::default())?;
            }
            // Its spec was deleted by hand.
            None => {}
        }
        if let Some(entity) = turn {
            turns.end(&entity)?;
        }
        Ok(true)
    }
}

/// The sequence number of a job that a worker runs or holds.
fn seq(job: JobId, statements: &mut Statements<'_>) -> Result<Option<i64>, Error> {
    match statements.cache.seq_of_running(job) {
        Some(seq) => Ok(Some(seq)),
        None => statements.specs.seq(job),
    }
}
