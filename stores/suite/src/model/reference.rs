//! A store that is too simple to be wrong: lists, and one function that decides what each job waits for
//! ([`ReferenceStore::settle`]).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use enact::JobState::{Cancelled, Failed, Ready, Running, Succeeded, Waiting};
use enact::store::{
    Batch, Begin, Changed, Claim, Claimable, Commit, CommitError, Cursor, EntityKey, JobCount, Lease,
    NewEvent, NewJob, NewTick, Next, Prune, Release, RunningJob, Start, StoredEntity, StoredEvent, Submitted,
    Ticked,
};
use enact::{Attempt, Failure, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;

use crate::sample::With;

#[derive(Clone, Default)]
pub(crate) struct ReferenceStore {
    pub(crate) jobs: Vec<StoredJob>,
    /// The head of each lane.
    heads: HashMap<Key, JobId>,
    pub(crate) entities: BTreeMap<(&'static str, Key), StoredEntity>,
    pub(crate) events: Vec<StoredEvent>,
    leases: HashMap<WorkerId, Lease>,
    ticks: HashMap<String, Timestamp>,
    /// The last sequence number in use.
    last_sequence: u64,
}

#[derive(Clone)]
pub(crate) struct StoredJob {
    pub(crate) job: Job,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) sequence: u64,
    pub(crate) place: Place,
    /// The entity whose turn it has.
    turn: Option<EntityKey>,
}

/// Where a ready or cancelled job is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    Claimable,
    InLine(EntityKey),
    /// It has left the line, and can be claimed.
    Promoted(EntityKey),
    /// Held since this time.
    Held(WorkerId, Timestamp),
    /// Cancelled, and this attempt, which began at this time, is not released.
    Unreleased(WorkerId, u32, Timestamp),
}

impl StoredJob {
    /// Begins its next attempt.
    fn begin(&mut self, by: WorkerId, now: Timestamp) {
        self.place = Place::Claimable;
        self.job.state = Running;
        self.job.attempts += 1;
        self.job.failure = None;
        self.attempts.push(Attempt::begun(self.job.attempts, by, now));
    }

    pub(crate) fn is_claimable(&self) -> bool {
        self.job.state == Ready && matches!(self.place, Place::Claimable | Place::Promoted(_))
    }

    /// The attempt that is not released, and its worker.
    pub(crate) fn unreleased(&self) -> Option<(&WorkerId, u32)> {
        match &self.place {
            Place::Unreleased(by, number, _) => Some((by, *number)),
            _ => None,
        }
    }

    /// Whether a worker runs or holds it, or is to release it.
    pub(crate) fn has_worker(&self) -> bool {
        self.job.state == Running || self.holder().is_some() || self.unreleased().is_some()
    }

    /// Whether it keeps its lane.
    fn is_in_lane(&self) -> bool {
        !self.job.state.has_ended() || self.unreleased().is_some()
    }

    /// The worker that holds it.
    pub(crate) fn holder(&self) -> Option<&WorkerId> {
        match &self.place {
            Place::Held(by, _) if self.job.state == Ready => Some(by),
            _ => None,
        }
    }
}

/// A reason to refuse a commit.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    Fenced,
    Conflict(u64),
    Mismatch(JobId, JobId),
    NoPredecessor(JobId, JobId),
    Unfounded,
}

impl Refusal {
    pub(crate) fn of(error: &CommitError) -> Self {
        match *error {
            CommitError::Fenced => Self::Fenced,
            CommitError::Conflict { found } => Self::Conflict(found),
            CommitError::Mismatch { staged, existing } => Self::Mismatch(staged, existing),
            CommitError::NoPredecessor { staged, after } => Self::NoPredecessor(staged, after),
            CommitError::Unfounded => Self::Unfounded,
            CommitError::Store(ref error) => panic!("{error}"),
        }
    }
}

impl ReferenceStore {
    pub(crate) fn find(&self, id: JobId) -> Option<&StoredJob> {
        self.jobs.iter().find(|stored| stored.job.id == id)
    }

    fn find_mut(&mut self, id: JobId) -> Option<&mut StoredJob> {
        self.jobs.iter_mut().find(|stored| stored.job.id == id)
    }

    /// Makes jobs ready that wait for nothing. Predecessors have lower sequence numbers, so one pass is enough.
    fn settle(&mut self) {
        for index in 0..self.jobs.len() {
            let job = self.jobs[index].job.clone();
            if job.state == Waiting && !self.waits_for_others(&job) && job.due_at.is_none() {
                self.jobs[index].job.state = Ready;
            }
        }
        self.settle_turns();
    }

    /// Ends the turns of jobs that no worker runs, holds or is to release. Of each entity whose turn is free, the first job of each name leaves the line,
    /// unless one has left it and was not claimed yet.
    fn settle_turns(&mut self) {
        for stored in &mut self.jobs {
            if stored.job.state != Ready && stored.unreleased().is_none() {
                stored.place = Place::Claimable;
            }
            if !stored.has_worker() {
                stored.turn = None;
            }
        }
        let mut in_line: Vec<(Reverse<i32>, usize)> = self
            .jobs
            .iter()
            .enumerate()
            .map(|(index, stored)| (Reverse(stored.job.priority), index))
            .collect();
        in_line.sort_unstable();
        for (_, index) in in_line {
            let Place::InLine(entity) = self.jobs[index].place.clone() else { continue };
            let (name, promoted) = (&self.jobs[index].job.name, Place::Promoted(entity.clone()));
            let has_promoted = |other: &StoredJob| other.job.name == *name && other.place == promoted;
            if !self.is_taken(&entity) && !self.jobs.iter().any(has_promoted) {
                self.jobs[index].place = promoted;
            }
        }
    }

    fn is_taken(&self, entity: &EntityKey) -> bool {
        self.jobs.iter().any(|stored| stored.turn.as_ref() == Some(entity))
    }

    /// Whether a job waits for its lane or its predecessors.
    fn waits_for_others(&mut self, job: &Job) -> bool {
        let not_succeeded = |id: &JobId| self.find(*id).is_some_and(|other| other.job.state != Succeeded);
        let is_pending = job.after.iter().any(not_succeeded);
        !self.is_head(job) || is_pending
    }

    /// The head of a lane is the first job in it; an earlier head stays.
    fn is_head(&mut self, job: &Job) -> bool {
        let Some(lane) = &job.order_key else { return true };
        let mut lane_mates = self
            .jobs
            .iter()
            .filter(|other| other.job.order_key.as_ref() == Some(lane) && other.is_in_lane())
            .map(|other| &other.job);
        let before = self.heads.get(lane);
        let head = lane_mates.clone().find(|other| Some(&other.id) == before).or_else(|| lane_mates.next());
        let head = head.map_or(job.id, |head| head.id);
        self.heads.insert(lane.clone(), head);
        head == job.id
    }

    /// The jobs that can be claimed now or once they are due.
    fn work(&mut self) -> BTreeSet<(JobId, u32, Option<Timestamp>)> {
        let jobs = self.jobs.clone();
        let is_work =
            |StoredJob { job, .. }: &&StoredJob| job.state == Waiting && !self.waits_for_others(job);
        let waiting: Vec<_> = jobs.iter().filter(is_work).collect();
        let work = jobs.iter().filter(|stored| stored.is_claimable()).chain(waiting);
        work.map(|StoredJob { job, .. }| (job.id, job.attempts, job.due_at)).collect()
    }

    /// Returns every acceptable result of each job.
    pub(crate) fn submit(&mut self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Vec<Vec<Submitted>> {
        let mut trial = self.clone();
        let results = trial.submit_each(jobs);
        let refused = |result| matches!(result, &Submitted::Full(_) | &Submitted::NoPredecessor(_));
        if events.is_empty() || !results.iter().flatten().any(refused) {
            *self = trial;
            self.append(events);
            self.settle();
        }
        results
    }

    fn append(&mut self, events: Vec<NewEvent>) {
        self.events.extend(events.into_iter().map(|event| StoredEvent::new(Cursor::START, event)));
    }

    /// Predecessors that exist by their key are replaced by the stored job.
    fn submit_each(&mut self, jobs: Vec<NewJob>) -> Vec<Vec<Submitted>> {
        let (mut results, mut existing) = (Vec::new(), HashMap::new());
        for mut new in jobs {
            let id = new.id;
            new.after.iter_mut().for_each(|id| *id = existing.get(id).copied().unwrap_or(*id));
            let result = self.submit_one(new);
            if let [Submitted::Existing(other)] = result[..] {
                existing.insert(id, other);
            }
            results.push(result);
        }
        results
    }

    fn submit_one(&mut self, new: NewJob) -> Vec<Submitted> {
        let same_key = |other: &&Job| {
            new.idempotency_key.is_some()
                && other.idempotency_key == new.idempotency_key
                && other.state != Cancelled
        };
        if let Some(other) = self.jobs.iter().map(|stored| &stored.job).find(same_key) {
            let is_same = new.is_same_request(&other.name, &other.payload);
            return vec![if is_same { Submitted::Existing(other.id) } else { Submitted::Mismatch(other.id) }];
        }
        let missing = new.after.iter().filter(|id| self.find(**id).is_none());
        let mut refusals: Vec<_> = missing.map(|id| Submitted::NoPredecessor(*id)).collect();
        let queued = |other: &&StoredJob| other.job.name == new.name && !other.job.state.has_ended();
        let queued = self.jobs.iter().filter(queued).count() as u64;
        if new.max_queued.is_some_and(|most| queued >= most) {
            refusals.push(Submitted::Full(queued));
        }
        if refusals.is_empty() {
            self.add(new);
            return vec![Submitted::New];
        }
        refusals
    }

    fn add(&mut self, new: NewJob) {
        let (mut attempts, mut place) = (Vec::new(), Place::Claimable);
        let cancelled = |id: &JobId| self.find(*id).is_some_and(|other| other.job.state == Cancelled);
        let state = match &new.start {
            Some(Start::Running(by)) => {
                attempts.push(Attempt::begun(1, by.clone(), new.created_at));
                Running
            }
            Some(Start::Held(by)) => {
                place = Place::Held(by.clone(), new.created_at);
                Ready
            }
            None if new.after.iter().any(cancelled) => Cancelled,
            None => Waiting,
        };
        self.last_sequence += 1;
        let (job, sequence) = (new.into_job(state), self.last_sequence);
        self.jobs.push(StoredJob { job, attempts, sequence, place, turn: None });
    }

    pub(crate) fn tick(&mut self, tick: NewTick) -> Result<Vec<Vec<Submitted>>, Ticked> {
        let last = self.ticks.get(&*tick.schedule).copied();
        if last != tick.last {
            return Err(Ticked::Stale(last));
        }
        self.ticks.insert(tick.schedule.to_string(), tick.at);
        Ok(self.submit(Vec::new(), tick.jobs))
    }

    pub(crate) fn last_tick(&self, schedule: &str) -> Option<Timestamp> {
        self.ticks.get(schedule).copied()
    }

    /// Returns the claimed jobs by queue, their batches, and the next due time.
    pub(crate) fn claim(&mut self, claim: &Claim) -> (Vec<Vec<Job>>, Vec<Batch>, Option<Timestamp>) {
        let due = self
            .work()
            .into_iter()
            .filter_map(|(id, _, due_at)| Some((due_at?, self.find(id)?.sequence, id)));
        let mut due: Vec<_> = due.filter(|(due_at, ..)| *due_at <= claim.now).collect();
        due.sort_unstable();
        for (.., id) in due.into_iter().take(Claim::MAX_WOKEN) {
            self.find_mut(id).expect("the job is stored").job.due_at = None;
        }
        self.settle();
        let claimed: Vec<_> = (0..claim.room.len()).map(|queue| self.claim_from(queue, claim)).collect();
        let mut batches = Vec::new();
        for (queue, claimed) in claimed.iter().enumerate() {
            let mut room = claim.room[queue] - claimed.len();
            for first in claimed {
                let jobs = self.claim_behind(first.id, queue, claim, room.min(claim.batch));
                room -= jobs.len();
                if !jobs.is_empty() {
                    batches.push(Batch { first: first.id, jobs });
                }
            }
        }
        (claimed, batches, self.work().into_iter().filter_map(|(.., due_at)| due_at).min())
    }

    /// Lets the worker hold the first jobs in line for the entity whose turn a job has, as far as they belong to its batch.
    fn claim_behind(&mut self, first: JobId, queue: usize, claim: &Claim, limit: usize) -> Vec<Job> {
        let Some(entity) = self.find(first).and_then(|stored| stored.turn.clone()) else { return Vec::new() };
        let is_in_line = |stored: &&mut StoredJob| stored.place == Place::InLine(entity.clone());
        let mut line: Vec<_> = self.jobs.iter_mut().filter(is_in_line).collect();
        line.sort_by_key(|stored| Reverse(stored.job.priority));
        let expected = Claimable { queue, entity: Some(entity.entity) };
        let belongs = |stored: &&mut StoredJob| claim.names.get(&stored.job.name) == Some(&expected);
        let behind = line.into_iter().take_while(belongs).take(limit).map(|stored| {
            stored.place = Place::Held(claim.worker.clone(), claim.now);
            stored.turn = Some(entity.clone());
            stored.job.clone().with(|job| job.failure = None)
        });
        behind.collect()
    }

    fn claim_from(&mut self, queue: usize, claim: &Claim) -> Vec<Job> {
        let mut claimed = Vec::new();
        while claimed.len() < claim.room[queue] {
            let is_in_queue = |stored: &&mut StoredJob| {
                let claimable = claim.names.get(&stored.job.name);
                stored.is_claimable() && claimable.is_some_and(|claimable| claimable.queue == queue)
            };
            let first = self.jobs.iter_mut().filter(is_in_queue);
            let Some(id) =
                first.min_by_key(|stored| Reverse(stored.job.priority)).map(|stored| stored.job.id)
            else {
                break;
            };
            claimed.extend(self.claim_one(id, claim));
            self.settle_turns();
        }
        claimed
    }

    /// Claims a job, or puts it in line.
    fn claim_one(&mut self, id: JobId, claim: &Claim) -> Option<Job> {
        let job = &self.find(id)?.job;
        let entity = claim.names.get(&job.name)?.entity;
        let turn = entity.zip(job.target.clone()).map(|(entity, id)| EntityKey { entity, id });
        let is_taken = turn.as_ref().is_some_and(|entity| self.is_taken(entity));
        let stored = self.find_mut(id)?;
        match turn {
            Some(entity) if is_taken => {
                stored.place = Place::InLine(entity);
                return None;
            }
            turn => stored.turn = turn,
        }
        stored.begin(claim.worker.clone(), claim.now);
        Some(stored.job.clone())
    }

    /// Returns whether the worker holds the job.
    pub(crate) fn begin(&mut self, begin: &Begin) -> bool {
        let Some(stored) = self.find_mut(begin.job) else { return false };
        let is_held = stored.holder() == Some(&begin.worker) && stored.job.attempts + 1 == begin.number;
        if is_held {
            stored.begin(begin.worker.clone(), begin.now);
        }
        is_held
    }

    pub(crate) fn release(&mut self, release: &Release) -> bool {
        let renewals = self.renewals(&release.worker);
        let Some(stored) = self.find_mut(release.job) else { return false };
        let held = match &stored.place {
            Place::Unreleased(by, number, since) => Some((by.clone(), *since, *number)),
            Place::Held(by, since) if stored.job.state == Ready => {
                Some((by.clone(), *since, stored.job.attempts + 1))
            }
            _ => None,
        };
        let running = stored.attempts.last().filter(|_| stored.job.state == Running);
        let running = running.map(|attempt| (attempt.worker.clone(), attempt.started_at, attempt.number));
        let Some((by, since, number)) = held.or(running) else { return false };
        let has_renewed = release.lapsed.is_some_and(|seen| seen != renewals);
        if by != release.worker || number != release.number || has_renewed {
            return false;
        }
        if stored.unreleased().is_some() {
            if !release.hold {
                stored.place = Place::Claimable;
                self.settle();
            }
            return !release.hold;
        }
        let StoredJob { job, attempts, place, .. } = stored;
        if job.state == Running {
            attempts.pop();
            job.attempts -= 1;
            job.failure = attempts.last().and_then(|attempt| attempt.failure.clone());
        }
        job.state = Ready;
        *place = if release.hold { Place::Held(by, since) } else { Place::Claimable };
        self.settle();
        true
    }

    /// Returns whether the commit made jobs claimable or due. `is_founded`: it follows none, or one that was stored.
    pub(crate) fn commit(&mut self, mut commit: Commit, is_founded: bool) -> Result<bool, Vec<Refusal>> {
        for staged in &mut commit.jobs {
            staged.max_queued = None;
        }
        let mut reasons = self.reasons_to_refuse(&commit);
        if !is_founded {
            reasons.push(Refusal::Unfounded);
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let before = self.work();
        let StoredJob { job, attempts, .. } = self.find_mut(commit.job).expect("the job is stored");
        if let Next::PutBack(due_at) = commit.next {
            attempts.pop();
            job.attempts -= 1;
            (job.state, job.due_at) = (Waiting, Some(due_at));
            job.failure = attempts.last().and_then(|attempt| attempt.failure.clone());
        } else {
            job.failure.clone_from(&commit.attempt.failure);
            attempts.pop();
            attempts.push(commit.attempt.clone());
        }
        (job.state, job.due_at, job.ended_at) = match commit.next {
            Next::Succeeded(output) => {
                job.output = Some(output);
                (Succeeded, None, commit.attempt.ended_at)
            }
            Next::Failed => (Failed, None, commit.attempt.ended_at),
            Next::Retry(due_at) | Next::PutBack(due_at) => (Waiting, Some(due_at), None),
        };
        if let Some(write) = commit.write {
            let entity = StoredEntity { version: write.expected + 1, body: write.body };
            self.entities.insert((write.key.entity, write.key.id), entity);
        }
        self.submit(commit.events, commit.jobs);
        Ok(!self.work().is_subset(&before))
    }

    fn reasons_to_refuse(&self, commit: &Commit) -> Vec<Refusal> {
        let mut reasons = Vec::new();
        let is_running = self.find(commit.job).is_some_and(|StoredJob { job, attempts, .. }| {
            let fits =
                |last: &Attempt| last.number == commit.attempt.number && last.worker == commit.attempt.worker;
            job.state == Running && attempts.last().is_some_and(fits)
        });
        let renewals = self.renewals(&commit.attempt.worker);
        if !is_running || commit.lapsed.is_some_and(|seen| seen != renewals) {
            reasons.push(Refusal::Fenced);
        }
        if let Some(write) = &commit.write
            && self.version(&write.key) != write.expected
        {
            reasons.push(Refusal::Conflict(self.version(&write.key)));
        }
        let results = self.clone().submit_each(commit.jobs.clone());
        for (staged, results) in commit.jobs.iter().zip(results) {
            reasons.extend(results.into_iter().filter_map(|result| match result {
                Submitted::Mismatch(existing) => Some(Refusal::Mismatch(staged.id, existing)),
                Submitted::NoPredecessor(after) => Some(Refusal::NoPredecessor(staged.id, after)),
                _ => None,
            }));
        }
        reasons
    }

    pub(crate) fn cancel(&mut self, id: JobId, failure: &Failure, now: Timestamp) -> Changed {
        let Some(stored) = self.find_mut(id) else { return Changed::Missing };
        if stored.job.state.has_ended() {
            return Changed::Illegal(stored.job.state);
        }
        let mut cancelled = vec![id];
        for StoredJob { job, attempts, place, .. } in &mut self.jobs {
            let is_successor = job.state == Waiting && job.after.iter().any(|id| cancelled.contains(id));
            if job.id != id && !is_successor {
                continue;
            }
            if job.state == Running {
                let attempt = attempts.last_mut().expect("an attempt is running");
                attempt.ended_at = Some(now);
                attempt.failure = Some(failure.clone());
                job.failure = Some(failure.clone());
                *place = Place::Unreleased(attempt.worker.clone(), attempt.number, attempt.started_at);
            } else if let Place::Held(by, since) = place {
                *place = Place::Unreleased(by.clone(), job.attempts + 1, *since);
            }
            (job.state, job.due_at, job.ended_at) = (Cancelled, None, Some(now));
            if job.id != id {
                cancelled.push(job.id);
            }
        }
        self.settle();
        Changed::Done(cancelled)
    }

    pub(crate) fn retry(&mut self, id: JobId) -> Changed {
        let Some(stored) = self.find_mut(id) else { return Changed::Missing };
        let sequence = stored.sequence;
        let job = &mut stored.job;
        if job.state != Failed {
            return Changed::Illegal(job.state);
        }
        (job.state, job.ended_at, job.spent) = (Waiting, None, job.attempts);
        if let Some(lane) = job.order_key.clone()
            && let Some(head) = self.heads.get(&lane).and_then(|head| self.find(*head))
            && head.job.state == Waiting
            && head.sequence > sequence
        {
            self.heads.remove(&lane);
        }
        self.settle();
        Changed::Done(vec![id])
    }

    /// Examines jobs after a sequence number. Returns how many were deleted, and where it stopped if there is more.
    pub(crate) fn prune(&mut self, prune: &Prune, following: u64) -> (u64, Option<u64>) {
        let Some(horizon) = prune.horizon() else { return (0, None) };
        let ends = |job: &Job| (horizon..=prune.now).contains(&job.created_at);
        let following = self.jobs.iter().filter(|stored| stored.sequence > following);
        let old: Vec<_> = following.take_while(|stored| !ends(&stored.job)).collect();
        let has_successors = |id: JobId| {
            self.jobs.iter().any(|other| other.job.state == Waiting && other.job.after.contains(&id))
        };
        let deleted = old.iter().take(prune.limit).filter(|stored| {
            let job = &stored.job;
            let matches = job.ended_at.is_some_and(|ended_at| prune.matches(job.state, ended_at));
            matches && stored.unreleased().is_none() && (job.state == Succeeded || !has_successors(job.id))
        });
        let deleted: BTreeSet<u64> = deleted.map(|stored| stored.sequence).collect();
        let next = old.get(prune.limit - 1).map(|stored| stored.sequence).filter(|_| old.len() > prune.limit);
        self.jobs.retain(|stored| !deleted.contains(&stored.sequence));
        (deleted.len() as u64, next)
    }

    pub(crate) fn prune_events(&mut self, before: Timestamp, now: Timestamp, limit: usize) -> u64 {
        let ends = |event: &StoredEvent| (before..=now).contains(&event.emitted_at);
        let end = self.events.iter().position(ends).unwrap_or(self.events.len());
        let old = self.events[..end].iter().filter(|event| event.emitted_at < before);
        let deleted: Vec<_> = old.take(limit).map(|event| event.id).collect();
        self.events.retain(|event| !deleted.contains(&event.id));
        deleted.len() as u64
    }

    pub(crate) fn renew(&mut self, lease: Lease) {
        self.leases.insert(lease.worker.clone(), lease);
    }

    pub(crate) fn retire(&mut self, worker: &WorkerId, renewals: u64) {
        if self.renewals(worker) == renewals && !self.running().contains_key(worker.as_str()) {
            self.leases.remove(worker);
        }
    }

    pub(crate) fn renewals(&self, worker: &WorkerId) -> u64 {
        self.leases.get(worker).map_or(0, |lease| lease.renewals)
    }

    /// The jobs that each worker runs, holds or has not released, by its name.
    pub(crate) fn running(&self) -> BTreeMap<String, Vec<RunningJob>> {
        let mut running: BTreeMap<String, Vec<RunningJob>> = BTreeMap::new();
        for StoredJob { job, attempts, place, .. } in &self.jobs {
            let mut job = job.clone();
            let (worker, started_at) = match (job.state, place) {
                (Cancelled, Place::Unreleased(by, number, since)) => {
                    job.attempts = *number;
                    (by, since)
                }
                (Ready, Place::Held(by, since)) => (by, since),
                (Running, _) => {
                    let attempt = attempts.last().expect("an attempt is running");
                    (&attempt.worker, &attempt.started_at)
                }
                _ => continue,
            };
            let found = RunningJob { job, worker: worker.clone(), started_at: *started_at };
            running.entry(worker.as_str().to_owned()).or_default().push(found);
        }
        running
    }

    /// The lease of each worker that has one, or that runs, holds or has not released jobs, by its name.
    pub(crate) fn leases(&self) -> Vec<Lease> {
        let empty = |worker| Lease { worker, renewals: 0, length: std::time::Duration::ZERO };
        let running = self.running().into_keys().map(|name| (name.clone(), empty(WorkerId::from_text(name))));
        let mut leases: BTreeMap<String, Lease> = running.collect();
        leases.extend(self.leases.values().map(|lease| (lease.worker.as_str().to_owned(), lease.clone())));
        leases.into_values().collect()
    }

    pub(crate) fn version(&self, key: &EntityKey) -> u64 {
        self.entities.get(&(key.entity, key.id.clone())).map_or(0, |entity| entity.version)
    }

    pub(crate) fn counts(&self) -> Vec<JobCount> {
        let mut counts: BTreeMap<(&str, _, JobState), JobCount> = BTreeMap::new();
        for StoredJob { job, .. } in &self.jobs {
            let count = JobCount::new(job.kind, job.name.clone(), job.state, 0);
            counts.entry((job.kind.as_str(), job.name.clone(), job.state)).or_insert(count).count += 1;
        }
        counts.into_values().collect()
    }
}
