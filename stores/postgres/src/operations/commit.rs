//! The end of an attempt, with everything that it staged.

use std::mem;
use std::sync::Arc;

use enact::JobState;
use enact::store::{Admission, Commit, CommitError, Committed, EntityWrite, Limits, Next, StoreError};
use jiff::Timestamp;

use crate::encode::{EncodedAttempt, EncodedJob};
use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{EndedAttempt, Needs, Settled, Stage, Touched, World};

/// [`Store::commit`](enact::store::Store::commit).
pub(crate) struct CommitAttempt {
    commit: Commit,
    ended_at: Timestamp,
    jobs: Vec<Arc<EncodedJob>>,
    attempt: Arc<EncodedAttempt>,
    touched: Touched,
    result: Result<Committed, CommitError>,
}

impl CommitAttempt {
    /// Encodes on the caller's thread.
    pub(crate) fn new(mut commit: Commit) -> Result<Self, StoreError> {
        let Some(ended_at) = commit.attempt.ended_at else {
            return Err(StoreError::new("the attempt of a commit has no `ended_at`"));
        };
        let attempt = Arc::new(EncodedAttempt::of(&commit.attempt)?);
        let jobs = EncodedJob::all(mem::take(&mut commit.jobs))?;
        let (touched, result) = (Touched::default(), Err(CommitError::Fenced));
        Ok(Self { commit, ended_at, jobs, attempt, touched, result })
    }

    /// Decides without changing anything.
    fn check(&self, world: &World) -> Result<Admission, CommitError> {
        let Commit { job, attempt, lapsed, write, follows, .. } = &self.commit;
        let is_running = world.live(*job).is_some_and(|live| {
            live.stage == Stage::Running && live.is_attempt(attempt.worker.as_str(), attempt.number)
        });
        let is_justified = lapsed.is_none_or(|renewals| world.has_lapsed(&attempt.worker, renewals));
        if !is_running || !is_justified {
            return Err(CommitError::Fenced);
        }
        if follows.as_ref().is_some_and(|link| !link.is_stored()) {
            return Err(CommitError::Unfounded);
        }
        if let Some(write) = write {
            let found = world.version(&write.key);
            if found != write.expected {
                return Err(CommitError::Conflict { found });
            }
        }
        let admission = world.admit(&self.jobs, Limits::Ignore);
        match admission.commit_error(self.jobs.iter().map(|encoded| &encoded.job)) {
            Some(error) => Err(error),
            None => Ok(admission),
        }
    }

    fn apply(&self, admission: &Admission, world: &mut World) -> Result<Committed, Error> {
        let Commit { job, attempt, next, write, events, .. } = &self.commit;
        let mut has_work = world.insert_new(&self.jobs, &admission.new)?;
        if !matches!(next, Next::PutBack(_)) {
            world.attempts.push(EndedAttempt {
                job: *job,
                attempt: attempt.clone(),
                encoded: self.attempt.clone(),
                ended_at: self.ended_at,
                output: match next {
                    Next::Succeeded(output) => Some(output.clone()),
                    _ => None,
                },
            });
        }
        let waits = match next {
            Next::Retry(due_at) => Some((attempt.number, *due_at)),
            Next::PutBack(due_at) => Some((attempt.number.saturating_sub(1), *due_at)),
            Next::Succeeded(_) => {
                world.end(*job, JobState::Succeeded);
                None
            }
            Next::Failed => {
                world.end(*job, JobState::Failed);
                None
            }
        };
        if let Some((attempts, due_at)) = waits
            && let Some(live) = world.live_mut(*job)
        {
            (live.attempts, live.due_at) = (attempts, Some(due_at));
            let entity = live.entity.take();
            live.leave_worker(Stage::Waiting);
            world.leave_entity(entity);
        }
        if let Some(EntityWrite { key, expected, body }) = write {
            world.write_entity(key, expected.saturating_add(1), body.clone());
        }
        world.append_events(events);
        has_work |= waits.is_some();
        Ok(Committed { has_work })
    }
}

impl Operation for CommitAttempt {
    type Output = Result<Committed, CommitError>;

    fn needs(&self, needs: &mut Needs) {
        let Commit { job, attempt, lapsed, write, .. } = &self.commit;
        needs.live.insert(*job);
        if lapsed.is_some() {
            needs.leases.insert(attempt.worker.clone());
        }
        if let Some(write) = write {
            needs.write(&write.key, write.expected);
        }
        needs.admission(self.jobs.iter().map(|encoded| &encoded.job), Limits::Ignore);
    }

    fn bytes(&self) -> usize {
        let Commit { next, write, events, .. } = &self.commit;
        let output = if let Next::Succeeded(output) = next { output.as_str().len() } else { 0 };
        let body = write.as_ref().map_or(0, |write| write.body.as_str().len());
        let events: usize = events.iter().map(|event| event.payload.as_str().len()).sum();
        output + body + events + self.jobs.iter().map(|job| job.bytes()).sum::<usize>()
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        let mark = world.mark();
        self.result = match self.check(world) {
            Ok(admission) => Ok(self.apply(&admission, world)?),
            Err(refusal) => Err(refusal),
        };
        self.touched = world.touched_since(mark);
        self.commit.link.set_stored(self.result.is_ok());
        Ok(Progress::Done)
    }

    fn settle(&mut self, settled: Option<&Settled>) {
        if let Ok(committed) = &mut self.result {
            committed.has_work |= settled.is_none_or(|settled| settled.has_work(&self.touched));
        }
    }

    fn refused(&mut self) {
        self.commit.link.set_stored(false);
    }

    fn output(self) -> Self::Output {
        self.result
    }
}
