//! Which jobs of a call are inserted. The decision is the same for every store.

use std::sync::Arc;

use super::commit::CommitError;
use super::new_job::{NewJob, Submitted};
use crate::model::{FastMap, JobId, JobState, Json, Key};

/// What [`admit`] reads of the database.
///
/// A store that can read rows cheaply one by one implements the methods by queries. A store behind a network fetches
/// everything a call needs in a batch first: the holders of the jobs' idempotency keys; the states of their predecessors
/// ([`JobSpec::after`](super::JobSpec::after)) and of those holders; the number of queued jobs of each name with a
/// [`max_queued`](NewJob::max_queued). The methods then read from maps.
///
/// What is read must not change before the jobs are inserted: both happen in one transaction, under locks or an isolation level
/// that ensure it.
pub trait Lookups {
    /// Why a look-up can fail.
    type Error;

    /// The stored job that has an idempotency key. A cancelled job has none.
    ///
    /// # Errors
    /// If the database cannot be read.
    fn key_holder(&mut self, key: &Key) -> Result<Option<KeyHolder>, Self::Error>;

    /// The state of a stored job.
    ///
    /// # Errors
    /// If the database cannot be read.
    fn state(&mut self, job: JobId) -> Result<Option<JobState>, Self::Error>;

    /// The number of stored jobs of a name that have not ended.
    ///
    /// # Errors
    /// If the database cannot be read.
    fn queued(&mut self, name: &Arc<str>) -> Result<u64, Self::Error>;
}

/// The job that has an idempotency key.
#[derive(Clone, Debug)]
pub struct KeyHolder {
    /// Its id.
    pub id: JobId,
    /// Its name.
    pub name: Arc<str>,
    /// Its payload.
    pub payload: Json,
}

/// Whether [`NewJob::max_queued`] applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// For [`Store::submit`](super::Store::submit) and [`Store::tick`](super::Store::tick).
    #[default]
    Apply,
    /// For [`Store::commit`](super::Store::commit).
    Ignore,
}

/// What happens to the jobs of a call.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// The outcome of each job, in order.
    pub submitted: Vec<Submitted>,
    /// The jobs to insert, in order: those whose outcome is [`Submitted::New`].
    pub new: Vec<Insertion>,
}

/// A job to insert.
#[derive(Clone, Debug)]
pub struct Insertion {
    /// Its position in the call.
    pub index: usize,
    /// Its predecessors, if they are not those of the [`NewJob`]: one of them is a job of the same call that exists already,
    /// and is replaced by the existing one.
    pub after: Option<Vec<JobId>>,
    /// Whether it is `Cancelled` from the start, because a predecessor is.
    pub is_cancelled: bool,
}

impl Admission {
    /// Whether a call that also stores events is refused as a whole: a job has no room in its queue or lacks a predecessor.
    pub fn refuses_events(&self) -> bool {
        self.submitted
            .iter()
            .any(|outcome| matches!(outcome, Submitted::Full(_) | Submitted::NoPredecessor(_)))
    }

    /// Why a commit that stages the jobs is refused; `None` if it is not.
    pub fn commit_error<'j>(&self, jobs: impl Iterator<Item = &'j NewJob>) -> Option<CommitError> {
        jobs.zip(&self.submitted).find_map(|(job, outcome)| match *outcome {
            Submitted::Mismatch(existing) => Some(CommitError::Mismatch { staged: job.id, existing }),
            Submitted::NoPredecessor(after) => Some(CommitError::NoPredecessor { staged: job.id, after }),
            Submitted::New | Submitted::Existing(_) | Submitted::Full(_) => None,
        })
    }
}

/// Decides what happens to each job of a call, as if those before it were already inserted. For each job, in this order:
///
/// 1. Its idempotency key is taken: [`Existing`](Submitted::Existing) or [`Mismatch`](Submitted::Mismatch), whether it is
///    [the same request](NewJob::is_same_request) or not ([r25](crate::rules#r25)).
/// 2. A predecessor does not exist: [`NoPredecessor`](Submitted::NoPredecessor). A predecessor that is a job of the same call and
///    exists already is replaced by the existing job ([r26](crate::rules#r26)).
/// 3. Its queue is full: [`Full`](Submitted::Full).
/// 4. Otherwise it is [`New`](Submitted::New); it is cancelled from the start if a predecessor is cancelled, unless it
///    [starts at once](NewJob::start).
///
/// # Errors
/// Those of the look-ups.
pub fn admit<'j, L: Lookups>(
    jobs: impl Iterator<Item = &'j NewJob> + Clone,
    limits: Limits,
    lookups: &mut L,
) -> Result<Admission, L::Error> {
    let count = jobs.size_hint().0;
    let mut admission = Admission { submitted: Vec::with_capacity(count), new: Vec::with_capacity(count) };
    let has_predecessors = jobs.clone().any(|job| !job.after.is_empty());
    let has_others = jobs.clone().nth(1).is_some();
    let mut earlier = Earlier { has_predecessors, has_others, limits, ..Earlier::default() };
    for (index, job) in jobs.enumerate() {
        let outcome = match earlier.decide(job, lookups)? {
            Ok(is_cancelled) => {
                admission.new.push(Insertion { index, after: earlier.resolve_after(job), is_cancelled });
                earlier.insert(job, is_cancelled);
                Submitted::New
            }
            Err(not_new) => not_new,
        };
        if let Submitted::Existing(existing) = outcome {
            earlier.existing.insert(job.id, existing);
        }
        admission.submitted.push(outcome);
    }
    Ok(admission)
}

/// The jobs of the call before the current one.
#[derive(Default)]
struct Earlier<'j> {
    /// Whether any job of the call has predecessors.
    has_predecessors: bool,
    /// Whether the call has more than one job.
    has_others: bool,
    limits: Limits,
    /// New jobs by idempotency key, except those that are cancelled.
    key_holders: FastMap<&'j Key, &'j NewJob>,
    /// Whether each new job is cancelled from the start. Empty without predecessors.
    new: FastMap<JobId, bool>,
    /// The number of new jobs of each name that are not cancelled. Empty without limits, and for a single job.
    queued: FastMap<&'j Arc<str>, u64>,
    /// Jobs that exist already: the submitted id, and that of the existing job.
    existing: FastMap<JobId, JobId>,
}

impl<'j> Earlier<'j> {
    /// Whether the job is cancelled from the start; `Err` if it is not new.
    fn decide<L: Lookups>(&self, job: &NewJob, lookups: &mut L) -> Result<Result<bool, Submitted>, L::Error> {
        if let Some(taken) = self.key_outcome(job, lookups)? {
            return Ok(Err(taken));
        }
        let is_cancelled = match self.is_cancelled(job, lookups)? {
            Ok(is_cancelled) => is_cancelled,
            Err(missing) => return Ok(Err(Submitted::NoPredecessor(missing))),
        };
        Ok(match self.full_queue(job, lookups)? {
            Some(queued) => Err(Submitted::Full(queued)),
            None => Ok(is_cancelled),
        })
    }

    fn insert(&mut self, job: &'j NewJob, is_cancelled: bool) {
        if let Some(key) = &job.idempotency_key
            && !is_cancelled
        {
            self.key_holders.insert(key, job);
        }
        if self.has_predecessors {
            self.new.insert(job.id, is_cancelled);
        }
        if self.has_others && self.limits == Limits::Apply && !is_cancelled {
            *self.queued.entry(&job.spec.name).or_default() += 1;
        }
    }

    fn resolve(&self, id: JobId) -> JobId {
        self.existing.get(&id).copied().unwrap_or(id)
    }

    /// The predecessors, if resolving changes them.
    fn resolve_after(&self, job: &NewJob) -> Option<Vec<JobId>> {
        let changes = !self.existing.is_empty() && job.after.iter().any(|id| self.existing.contains_key(id));
        changes.then(|| job.after.iter().map(|id| self.resolve(*id)).collect())
    }

    fn key_outcome<L: Lookups>(&self, job: &NewJob, lookups: &mut L) -> Result<Option<Submitted>, L::Error> {
        let Some(key) = &job.idempotency_key else { return Ok(None) };
        let (id, is_same) = match (lookups.key_holder(key)?, self.key_holders.get(key)) {
            (Some(KeyHolder { id, name, payload }), _) => (id, job.is_same_request(&name, &payload)),
            (None, Some(earlier)) => (earlier.id, job.is_same_request(&earlier.name, &earlier.payload)),
            (None, None) => return Ok(None),
        };
        Ok(Some(if is_same { Submitted::Existing(id) } else { Submitted::Mismatch(id) }))
    }

    /// Whether the job is cancelled from the start; `Err` is a predecessor that does not exist.
    fn is_cancelled<L: Lookups>(
        &self,
        job: &NewJob,
        lookups: &mut L,
    ) -> Result<Result<bool, JobId>, L::Error> {
        let mut cancelled = false;
        for id in &job.after {
            let resolved = self.resolve(*id);
            cancelled |= match self.new.get(&resolved) {
                Some(is_cancelled) => *is_cancelled,
                None => match lookups.state(resolved)? {
                    Some(state) => state == JobState::Cancelled,
                    None => return Ok(Err(*id)),
                },
            };
        }
        Ok(Ok(cancelled && job.start.is_none()))
    }

    /// The number of queued jobs if it has reached the limit.
    fn full_queue<L: Lookups>(&self, job: &NewJob, lookups: &mut L) -> Result<Option<u64>, L::Error> {
        let Some(limit) = job.max_queued.filter(|_| self.limits == Limits::Apply) else { return Ok(None) };
        let earlier = self.queued.get(&job.spec.name).copied().unwrap_or(0);
        let queued = lookups.queued(&job.spec.name)?.saturating_add(earlier);
        Ok((queued >= limit).then_some(queued))
    }
}
