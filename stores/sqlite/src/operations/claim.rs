use enact::store::{Batch, Claim, Claimable, Claimed, unreadable_job};
use enact::{Job, JobId, JobState, Key, Unreadable};

use crate::error::Error;
use crate::operation::Operation;
use crate::rows::{Ready, RunningAttempt};
use crate::statements::Statements;
use crate::statements::claims::Candidate;
use crate::statements::live_jobs::{AttemptStart, LiveJob};
use crate::statements::specs::Specs;
use crate::write_cache::WriteCache;

/// How many ready jobs are examined at once, when some were put into lines.
const NEXT_CANDIDATES: usize = 256;

/// [`Store::claim`](enact::store::Store::claim).
pub(crate) struct ClaimJobs(pub(crate) Claim);

enum Outcome {
    Claimed(Box<Job>),
    InLine,
    /// It has failed.
    Unreadable(Box<Job>),
    /// The job's spec was deleted by hand.
    Missing,
}

/// A claimed job that has taken the turn of an entity.
struct First {
    job: JobId,
    queue: usize,
    entity: String,
}

/// What a claim has found so far.
struct Progress {
    jobs: Vec<Job>,
    firsts: Vec<First>,
    unreadable: Vec<Job>,
    /// What is left of the room of each queue.
    room: Vec<usize>,
    put_in_line: usize,
}

impl Operation for ClaimJobs {
    type Output = Claimed;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Claimed, Error> {
        let Self(claim) = self;
        let mut next_due = {
            let Statements { claims, live, .. } = &mut *statements;
            claims.wake(claim.now, &mut live.names)?
        };
        let room = claim.room.clone();
        let mut progress =
            Progress { jobs: Vec::new(), firsts: Vec::new(), unreadable: Vec::new(), room, put_in_line: 0 };
        let mut limits = claim.room.clone();
        while self.claim_some(&limits, &mut progress, statements)? {
            if progress.put_in_line == Claim::MAX_WOKEN {
                next_due = Some(claim.now);
                break;
            }
            let limit = |room: &usize| if *room == 0 { 0 } else { NEXT_CANDIDATES.max(*room) };
            limits = progress.room.iter().map(limit).collect();
        }
        let Progress { jobs, firsts, unreadable, mut room, .. } = progress;
        let mut batches = Vec::new();
        for first in firsts {
            let room = &mut room[first.queue];
            let jobs = self.claim_behind(&first, (*room).min(claim.batch), statements)?;
            *room -= jobs.len();
            if !jobs.is_empty() {
                batches.push(Batch { first: first.job, jobs });
            }
        }
        Ok(Claimed { jobs, batches, unreadable, next_due })
    }

    fn depends_on(&self, output: &Claimed, cache: &WriteCache) -> u64 {
        if !output.unreadable.is_empty() {
            return cache.transaction();
        }
        let jobs = output.jobs.iter().chain(output.batches.iter().flat_map(|batch| &batch.jobs));
        jobs.map(|job| cache.dependency_of(job.id)).max().unwrap_or(0)
    }
}

impl ClaimJobs {
    /// Claims the first jobs of each queue, or puts them in line. Returns whether there may be more to claim.
    fn claim_some(
        &self,
        limits: &[usize],
        progress: &mut Progress,
        statements: &mut Statements<'_>,
    ) -> Result<bool, Error> {
        let Progress { jobs, firsts, unreadable, room, put_in_line } = progress;
        let before = *put_in_line;
        // All are found before the first is removed, because removing changes the index that the search reads.
        let Statements { claims, live, .. } = &mut *statements;
        for candidate in claims.find(&self.0, limits, &mut live.names)? {
            if room[candidate.queue] == 0 {
                continue;
            }
            let (outcome, turn) = self.claim(&candidate, statements)?;
            match outcome {
                Outcome::Claimed(job) => {
                    room[candidate.queue] -= 1;
                    if let Some(entity) = turn.clone().filter(|_| self.0.batch > 0) {
                        firsts.push(First { job: job.id, queue: candidate.queue, entity });
                    }
                    jobs.push(*job);
                }
                Outcome::InLine => *put_in_line += 1,
                Outcome::Unreadable(job) => {
                    room[candidate.queue] -= 1;
                    unreadable.push(*job);
                }
                Outcome::Missing => {}
            }
            // A job that leaves the line may precede the other candidates.
            let has_left_line = leave_promotion(&candidate, turn.as_deref(), statements)?;
            if has_left_line || *put_in_line == Claim::MAX_WOKEN {
                return Ok(true);
            }
        }
        Ok(*put_in_line > before && room.iter().any(|room| *room > 0))
    }

    /// Claims a job, or puts it in line for its entity. Returns the entity whose turn or line it has.
    fn claim(
        &self,
        candidate: &Candidate,
        statements: &mut Statements<'_>,
    ) -> Result<(Outcome, Option<String>), Error> {
        let Statements { specs, live, turns, cache, .. } = statements;
        let Candidate { id, name, entity, ready, .. } = candidate;
        let Ready { priority, seq, attempts, spent, order_key, .. } = ready;
        let turn = match entity {
            Some(entity) => target(*seq, specs, cache)?.map(|target| format!("{entity} {target}")),
            None => None,
        };
        let attempts = attempts.saturating_add(1);
        let order_key = order_key.as_deref();
        let start = AttemptStart {
            worker: &self.0.worker,
            at: self.0.now,
            has_begun: true,
            entity: turn.as_deref(),
            shares_turn: false,
        };
        let running =
            LiveJob { seq: *seq, name: *id, priority: *priority, order_key, attempts, spent: *spent };
        if !live.insert_running(&running, start)? {
            turns.put_in_line(*id, *priority, *seq, turn.as_deref().unwrap_or_default())?;
            return Ok((Outcome::InLine, turn));
        }
        live.remove_claimed(*id, ready, false)?;
        let Some(mut job) = claimed_job(*seq, specs, cache)? else {
            live.remove_running(*seq, *id)?;
            if let Some(lane) = live.lane_of_head(*seq, ready.order_key.clone(), &ready.unreadable)? {
                live.leave_lane(&lane, *seq, true)?;
            }
            return Ok((Outcome::Missing, None));
        };
        if *job.name != **name {
            job.unreadable.push(Unreadable::new("name", "is not the name by which the job was found"));
        }
        if !job.unreadable.is_empty() || !ready.unreadable.is_empty() {
            live.remove_running(*seq, *id)?;
            return Ok((Outcome::Unreadable(Box::new(self.fail(job, candidate, statements)?)), None));
        }
        (job.attempts, job.spent) = (attempts, *spent);
        Ok((Outcome::Claimed(Box::new(job)), turn))
    }

    /// Holds the first jobs in line for the entity whose turn a job has taken, as far as they belong to its batch.
    fn claim_behind(
        &self,
        first: &First,
        limit: usize,
        statements: &mut Statements<'_>,
    ) -> Result<Vec<Job>, Error> {
        let mut jobs = Vec::new();
        if limit == 0 {
            return Ok(jobs);
        }
        for (id, ready) in statements.turns.first_in_line(&first.entity, limit)? {
            let Statements { specs, live, cache, .. } = &mut *statements;
            let name = live.names.name(id)?;
            let target = target(ready.seq, specs, cache)?;
            if !ready.unreadable.is_empty() || !self.belongs_to(name.as_deref(), target.as_deref(), first) {
                break;
            }
            let Some(mut job) = claimed_job(ready.seq, specs, cache)? else { break };
            if !job.unreadable.is_empty() || Some(&*job.name) != name.as_deref() {
                cache.remove_running(job.id);
                break;
            }
            let Ready { priority, seq, attempts, spent, ref order_key, .. } = ready;
            let order_key = order_key.as_deref();
            let held = LiveJob { seq, name: id, priority, order_key, attempts, spent };
            let start = AttemptStart {
                worker: &self.0.worker,
                at: self.0.now,
                has_begun: false,
                entity: Some(&first.entity),
                shares_turn: true,
            };
            live.insert_running(&held, start)?;
            live.remove_claimed(id, &ready, true)?;
            (job.state, job.attempts, job.spent) = (JobState::Ready, attempts, spent);
            jobs.push(job);
        }
        Ok(jobs)
    }

    /// Whether a job has the queue of the first one and, as this claim sees it, binds the same entity.
    fn belongs_to(&self, name: Option<&str>, target: Option<&str>, first: &First) -> bool {
        let claimable = name.and_then(|name| self.0.names.get(name));
        let (Some(Claimable { queue, entity: Some(entity) }), Some(target)) = (claimable, target) else {
            return false;
        };
        *queue == first.queue && format!("{entity} {target}") == first.entity
    }

    /// Ends a ready job that cannot be read, and has been removed from its state table.
    fn fail(
        &self,
        mut job: Job,
        candidate: &Candidate,
        statements: &mut Statements<'_>,
    ) -> Result<Job, Error> {
        let Self(claim) = self;
        let Statements { live, attempts, cache, .. } = statements;
        let Ready { seq, attempts: number, order_key, unreadable, .. } = &candidate.ready;
        let lane = live.lane_of_head(*seq, order_key.clone(), unreadable)?;
        job.unreadable.extend(unreadable.iter().cloned());
        let failure = unreadable_job(&job.unreadable);
        let text = serde_json::to_string(&failure).expect("a failure can be written as JSON");
        let number = number.saturating_add(1);
        let (worker, started_at) = (claim.worker.clone(), claim.now);
        let attempt = RunningAttempt { name: candidate.id, number, worker, started_at, has_begun: true };
        attempts.insert_aborted(*seq, &attempt, claim.now, &text)?;
        live.names.enters(candidate.id, JobState::Failed);
        cache.remove_job(*seq, job.id);
        if let Some(lane) = lane {
            live.leave_lane(&lane, *seq, true)?;
        }
        (job.state, job.attempts) = (JobState::Failed, number);
        (job.ended_at, job.failure) = (Some(claim.now), Some(failure));
        Ok(job)
    }
}

/// A job was claimed, or put in line for `turn`. If it had left the line of another entity, the next of its name may leave that line.
/// Returns whether one does.
fn leave_promotion(
    candidate: &Candidate,
    turn: Option<&str>,
    statements: &mut Statements<'_>,
) -> Result<bool, Error> {
    match &candidate.ready.promoted {
        Some(promoted) if !promoted.is(turn) => statements.turns.demote(promoted, candidate.id),
        _ => Ok(false),
    }
}

/// The target of a job, as text.
fn target(seq: i64, specs: &mut Specs<'_>, cache: &WriteCache) -> Result<Option<String>, Error> {
    match cache.submitted(seq) {
        Some(job) => Ok(job.target.as_ref().map(Key::as_str).map(str::to_owned)),
        None => specs.target(seq),
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
