use enact::store::Changed;
use enact::{JobId, JobState};

use crate::error::Error;
use crate::operation::Operation;
use crate::rows::SpecKeys;
use crate::statements::Statements;
use crate::statements::live_jobs::{Blockers, LiveJob};

/// [`Store::retry`](enact::store::Store::retry).
pub(crate) struct RetryJobs(pub(crate) Vec<JobId>);

impl Operation for RetryJobs {
    type Output = Vec<Changed>;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Vec<Changed>, Error> {
        let change = |id: &JobId| {
            Ok(match statements.live.find(*id)? {
                None => Changed::Missing,
                Some((_, state)) if !state.may_become(JobState::Ready) || !state.has_ended() => {
                    Changed::Illegal(state)
                }
                Some((seq, state)) => match statements.specs.keys(seq)? {
                    None => Changed::Missing,
                    Some(SpecKeys { unreadable, .. }) if !unreadable.is_empty() => {
                        Changed::Unreadable(unreadable)
                    }
                    Some(keys) => {
                        retry(seq, state, &keys, statements)?;
                        Changed::Done(vec![*id])
                    }
                },
            })
        };
        self.0.iter().map(change).collect()
    }
}

/// Makes a failed job ready or waiting again.
fn retry(seq: i64, state: JobState, keys: &SpecKeys, statements: &mut Statements<'_>) -> Result<(), Error> {
    let Statements { live, attempts, .. } = statements;
    let SpecKeys { name, priority, order_key, .. } = keys;
    let attempts = attempts.last_number(seq)?;
    let in_lane = match order_key {
        Some(lane) => !live.reenter_lane(lane, seq)?,
        None => false,
    };
    let order_key = order_key.as_deref();
    let job =
        LiveJob { seq, name: *name, priority: (*priority).into(), order_key, attempts, spent: attempts };
    live.insert(&job, Blockers { in_lane, ..Blockers::default() })?;
    live.names.leaves(*name, state);
    Ok(())
}
