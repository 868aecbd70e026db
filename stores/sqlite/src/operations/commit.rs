use std::mem;

use enact::JobState;
use enact::store::{
    Commit, CommitError, Committed, EntityKey, EntityWrite, Limits, Next, StoreError, StoredEntity,
};

use super::admission::{admit, insert_new};
use crate::encode::{EncodedJob, json};
use crate::error::Error;
use crate::operation::Operation;
use crate::rows::FencedJob;
use crate::statements::Statements;
use crate::statements::attempts::EncodedAttempt;
use crate::statements::live_jobs::Blockers;

/// [`Store::commit`](enact::store::Store::commit).
pub(crate) struct CommitAttempt {
    commit: Commit,
    jobs: Vec<EncodedJob>,
    attempt: EncodedAttempt,
}

impl CommitAttempt {
    /// Encodes on the caller's thread what the writer thread need not.
    pub(crate) fn new(mut commit: Commit) -> Result<Self, StoreError> {
        let attempt = &commit.attempt;
        let strategies = match attempt.strategies.as_slice() {
            [] => None,
            strategies => Some(json("the strategies of an attempt", strategies)?),
        };
        let events = match attempt.events.as_slice() {
            [] => None,
            events => Some(json("the events of an attempt", events)?),
        };
        let failure =
            attempt.failure.as_ref().map(|failure| json("the failure of an attempt", failure)).transpose()?;
        let attempt = EncodedAttempt { strategies, events, failure };
        let jobs = EncodedJob::all(mem::take(&mut commit.jobs))?;
        Ok(Self { commit, jobs, attempt })
    }

    /// The job, if it is running the attempt and, for a rescue, its worker has not renewed the lease.
    fn fenced(&self, statements: &mut Statements<'_>) -> Result<Option<FencedJob>, Error> {
        let Statements { specs, attempts, leases, cache, .. } = statements;
        let Commit { job, attempt, lapsed, .. } = &self.commit;
        let seq = match cache.seq_of_running(*job) {
            Some(seq) => Some(seq),
            None => specs.seq(*job)?,
        };
        let Some(seq) = seq else { return Ok(None) };
        let Some(fenced) = attempts.fenced(seq, attempt)? else { return Ok(None) };
        let may_end = match lapsed {
            Some(renewals) => leases.has_lapsed(&attempt.worker, *renewals)?,
            None => true,
        };
        Ok(may_end.then_some(fenced))
    }

    /// Moves the job to its next state and unblocks the jobs that waited for it. Returns whether there is something to claim, or a
    /// time to wait for, that was not there before.
    fn end_job(&self, job: &FencedJob, statements: &mut Statements<'_>) -> Result<bool, Error> {
        let Statements { live, turns, .. } = statements;
        let FencedJob { seq, name, order_key, spent, turn, unreadable } = job;
        live.remove_running(*seq, *name)?;
        let mut has_work = match turn {
            Some(entity) => turns.end(entity)?,
            None => false,
        };
        let number = self.commit.attempt.number;
        let waits = match self.commit.next {
            Next::Retry(due_at) => Some((number, due_at)),
            Next::PutBack(due_at) => Some((number.saturating_sub(1), due_at)),
            Next::Succeeded(_) | Next::Failed => None,
        };
        if let Some((attempts, due_at)) = waits {
            let blockers = Blockers { due_at: Some(due_at), ..Blockers::default() };
            return Ok(live.insert_waiting(*seq, *name, attempts, *spent, blockers)? | has_work);
        }
        let ended =
            if let Next::Succeeded(_) = self.commit.next { JobState::Succeeded } else { JobState::Failed };
        live.names.enters(*name, ended);
        if let Some(lane) = live.lane_of_head(*seq, order_key.clone(), unreadable)? {
            has_work |= live.leave_lane(&lane, *seq, true)?;
        }
        if let Next::Succeeded(_) = self.commit.next {
            has_work |= live.release_successors(*seq)?;
        }
        Ok(has_work)
    }
}

impl Operation for CommitAttempt {
    type Output = Result<Committed, CommitError>;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Self::Output, Error> {
        let output = self.end_attempt(statements)?;
        self.commit.link.set_stored(output.is_ok());
        Ok(output)
    }

    fn written_entity(&self, output: &Self::Output) -> Option<(&EntityKey, StoredEntity)> {
        let EntityWrite { key, expected, body } = self.commit.write.as_ref()?;
        output.is_ok().then(|| (key, StoredEntity { version: expected + 1, body: body.clone() }))
    }

    fn refused(&self) {
        self.commit.link.set_stored(false);
    }
}

impl CommitAttempt {
    fn end_attempt(&self, statements: &mut Statements<'_>) -> Result<Result<Committed, CommitError>, Error> {
        let Commit { job: id, attempt, next, write, events, .. } = &self.commit;
        let Some(ended_at) = attempt.ended_at else {
            return Err(Error::InvalidCall("the attempt of a commit has no `ended_at`"));
        };
        let Some(job) = self.fenced(statements)? else { return Ok(Err(CommitError::Fenced)) };
        if self.commit.follows.as_ref().is_some_and(|link| !link.is_stored()) {
            return Ok(Err(CommitError::Unfounded));
        }
        let admission = admit(&self.jobs, Limits::Ignore, statements)?;
        if let Some(error) = admission.commit_error(self.jobs.iter().map(|encoded| &encoded.job)) {
            return Ok(Err(error));
        }
        // The last refusal: nothing has been changed so far.
        if let Some(write) = write
            && !statements.entities.write(write)?
        {
            return Ok(Err(CommitError::Conflict { found: statements.entities.version(&write.key)? }));
        }

        if !matches!(next, Next::PutBack(_)) {
            statements.attempts.insert(job.seq, attempt, &self.attempt, ended_at, next)?;
        }
        let mut has_work = self.end_job(&job, statements)?;
        statements.cache.remove_running(*id);
        statements.events.append(events, &mut statements.counters)?;
        has_work |= insert_new(&self.jobs, &admission.new, statements)?;
        Ok(Ok(Committed { has_work }))
    }
}
