//! Random calls: a store must return and store what a simple model does.

mod reference;
mod step;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::sync::Arc;

use enact::store::{
    Batch, Begin, Changed, Claim, Claimable, Commit, CommitLink, Cursor, EntityKey, EntityWrite, JobQuery,
    NewEvent, NewJob, NewTick, Next, PageToken, Prune, Release, RunningJob, Start, StoredEvent, Submitted,
    Ticked,
};
use enact::{Attempt, Failure, Job, JobId, JobState};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use self::reference::{ReferenceStore, Refusal, StoredJob};
use self::step::{End, Fence, HeldAttempt, NAMES, Predecessor, Request, Step, WORKERS};
use crate::attempt::RunningAttempt;
use crate::cases::prune;
use crate::sample::{
    ENTITIES, With, account, at, cancellation, event, job, job_id, json, key, lease, worker,
};
use crate::{TestStore, block_on, runtime};

/// Makes `sequences` random sequences of calls and compares every result, and after every call the stored records.
///
/// The sequences share one store, which is emptied in between: opening one takes longer than a sequence. A sequence that
/// fails is shrunk.
///
/// # Panics
/// If a sequence fails, with that sequence.
pub fn random_calls_return_what_the_model_returns<S: Into<Option<TestStore>>>(
    open: impl Fn() -> S,
    sequences: u32,
) {
    let runtime = runtime();
    let Some(first) = open().into() else { return };
    let (store, number) = (RefCell::new(Some(first)), Cell::new(0));
    let config =
        Config { failure_persistence: None, max_shrink_iters: 20_000, ..Config::with_cases(sequences) };
    let compared = TestRunner::new(config).run(&vec(step::any(), 1..25), |steps| {
        number.set(number.get() + 1);
        // A store on which a sequence failed is not used again.
        let subject = store.take().or_else(|| open().into()).expect("a store");
        let compared = block_on(&runtime, Comparison::new(subject, number.get()).run(steps));
        compared.map(|subject| _ = store.replace(Some(subject)))
    });
    if let Err(failed) = compared {
        panic!("{failed}");
    }
}

/// Fails unless a store's result equals the model's.
fn same<T: Debug + PartialEq + ?Sized>(
    what: impl Display,
    found: &T,
    expected: &T,
) -> Result<(), TestCaseError> {
    if found == expected {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{what}\n   store: {found:?}\n   model: {expected:?}")))
}

struct Comparison {
    store: TestStore,
    model: ReferenceStore,
    /// Makes names unique to the sequence, since sequences share a store.
    number: u32,
    now: i64,
    /// The latest time so far. Jobs are created and end by it: pruning relies on a clock that does not go
    /// back.
    latest: i64,
    renewals: u64,
    /// Where the last pruning stopped: the store's token, and the model's sequence number.
    stopped: Option<(PageToken, u64)>,
    /// Of each commit, and whether it is stored.
    links: Vec<(CommitLink, bool)>,
    /// The attempts when last compared.
    attempts: HashMap<JobId, Vec<Attempt>>,
    /// The events when last read.
    events: Vec<StoredEvent>,
}

/// An attempt, and the renewal count of a rescue.
struct Fenced {
    active: RunningAttempt,
    lapsed: Option<u64>,
}

impl Comparison {
    fn new(store: TestStore, number: u32) -> Self {
        Self {
            store,
            model: ReferenceStore::default(),
            number,
            now: 0,
            latest: 0,
            renewals: 0,
            stopped: None,
            links: Vec::new(),
            attempts: HashMap::new(),
            events: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        at(self.now)
    }

    async fn run(mut self, steps: Vec<Step>) -> Result<TestStore, TestCaseError> {
        for step in steps {
            if matches!(step, Step::Reopen) {
                self.store = self.store.reopened();
            } else {
                self.run_step(&step).await?;
            }
            self.compare(&step).await?;
        }
        self.attempts.clear();
        self.compare(&"everything").await?;
        self.compare_entities().await?;
        self.compare_failed().await?;
        Ok(self.clear().await)
    }

    async fn run_step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Reopen => {}
            Step::Wait { seconds } => {
                self.now += i64::from(seconds);
                self.latest = self.latest.max(self.now);
            }
            Step::Submit { events, ref requests } => {
                let (events, jobs) = (self.events(events), self.jobs(requests));
                let results = self.store.submit(events.clone(), jobs.clone()).await.expect("submit");
                one_of(&results, &self.model.submit(events, jobs))?;
            }
            Step::Tick { schedule, knows_the_last, ref requests } => {
                self.tick(format!("{schedule} {}", self.number), knows_the_last, requests).await?;
            }
            Step::Claim { worker: by, queues, entities: [first, second], room, batch } => {
                // In which order two queues take the turns of one entity is open.
                let second = second.filter(|_| queues[0] == queues[1] || first != second);
                let names = NAMES.into_iter().zip(queues).zip([first, second]);
                let names = names.filter_map(|((name, queue), entity)| {
                    Some((name.into(), Claimable { queue: queue?, entity }))
                });
                let names = names.collect();
                let claim = Claim {
                    worker: worker(by),
                    names: Arc::new(names),
                    room: room.into(),
                    batch,
                    now: self.now(),
                };
                self.claim(claim).await?;
            }
            Step::Commit(ref end) => self.commit(end).await?,
            Step::Begin(ref attempt) => {
                let Some(Fenced { active, .. }) = self.fenced(attempt, |stored| stored.holder().is_some())
                else {
                    return Ok(());
                };
                let RunningAttempt { job, worker, .. } = active;
                let repeatable = job.payload == json(0);
                let begin = Begin { job: job.id, worker, number: job.attempts, repeatable, now: self.now() };
                let has_begun = self.store.begin(begin.clone()).await.expect("begin");
                same("begin", &has_begun, &self.model.begin(&begin))?;
            }
            Step::Release { ref attempt, hold } => {
                let Some(Fenced { active, lapsed }) = self.fenced(attempt, StoredJob::has_worker) else {
                    return Ok(());
                };
                let RunningAttempt { job, worker, .. } = active;
                let release = Release { job: job.id, worker, number: job.attempts, lapsed, hold };
                let released = self.store.release(release.clone()).await.expect("release");
                same("release", &released, &self.model.release(&release))?;
            }
            Step::Cancel { ref jobs } => {
                let ids = self.pick_all(jobs, |_| true);
                let now = at(self.latest);
                let cancelled = self.store.cancel(ids.clone(), cancellation(), now).await;
                let expected: Vec<_> =
                    ids.iter().map(|id| self.model.cancel(*id, &cancellation(), now)).collect();
                same("cancel", &in_one_order(cancelled.expect("cancel")), &in_one_order(expected))?;
            }
            Step::Retry { ref jobs } => {
                let ids = self.pick_all(jobs, |job| job.state == JobState::Failed);
                let retried = self.store.retry(ids.clone()).await.expect("retry");
                let expected: Vec<_> = ids.iter().map(|id| self.model.retry(*id)).collect();
                same("retry", &retried, &expected)?;
            }
            Step::Prune { ages, limit, continues } => {
                let [succeeded_before, failed_before, cancelled_before] =
                    ages.map(|age| age.map(|age| at(self.now - i64::from(age))));
                let (after, following) = self.stopped.clone().filter(|_| continues).unzip();
                let prune = Prune {
                    succeeded_before,
                    failed_before,
                    cancelled_before,
                    now: self.now(),
                    after,
                    limit,
                };
                self.prune(prune, following.unwrap_or_default()).await?;
            }
            Step::PruneEvents { age, limit } => {
                let before = at(self.now - i64::from(age));
                let pruned = self.store.prune_events(before, self.now(), limit).await.expect("prune_events");
                same("prune_events", &pruned, &self.model.prune_events(before, self.now(), limit))?;
            }
            Step::Renew { worker: by } => {
                self.renewals += 1;
                self.store.lease(by, self.renewals).await;
                self.model.renew(lease(by, self.renewals));
            }
            Step::Retire { worker: by, is_outdated } => {
                let renewals = self.model.renewals(&worker(by)).saturating_sub(u64::from(is_outdated));
                self.store.retire(&worker(by), renewals).await.expect("retire");
                self.model.retire(&worker(by), renewals);
            }
            Step::Running { worker: by, limit } => self.compare_running(by, limit).await?,
        }
        Ok(())
    }

    async fn compare_running(&self, by: &str, limit: usize) -> Result<(), TestCaseError> {
        let running = self.store.running(&worker(by), limit).await.expect("running");
        let mut expected = self.model.running().remove(by).unwrap_or_default();
        expected.truncate(limit);
        let comparable = |running: RunningJob| RunningJob { job: without_spent(&running.job), ..running };
        let [running, expected] =
            [running, expected].map(|all| all.into_iter().map(comparable).collect::<Vec<_>>());
        same("running", &running, &expected)
    }

    async fn tick(
        &mut self,
        schedule: String,
        knows: bool,
        requests: &[Request],
    ) -> Result<(), TestCaseError> {
        let last = self.model.last_tick(&schedule);
        let last = if knows { last } else { Some(at(1_000)) };
        let tick = NewTick {
            schedule: schedule.into(),
            aliases: &[],
            last,
            at: self.now(),
            unless_running: false,
            jobs: self.jobs(requests),
        };
        match (self.store.tick(tick.clone()).await.expect("tick"), self.model.tick(tick)) {
            (Ticked::Done(results), Ok(expected)) => one_of(&results, &expected),
            (result, expected) => same("tick", &Err(result), &expected),
        }
    }

    async fn claim(&mut self, claim: Claim) -> Result<(), TestCaseError> {
        let claimed = self.store.claim(claim.clone()).await.expect("claim");
        let mut queues = vec![Vec::new(); claim.room.len()];
        for job in claimed.jobs {
            queues[claim.names[&job.name].queue].push(job);
        }
        // In which order queues are claimed from is open.
        let queue = |batch: &Batch| claim.names[&batch.jobs[0].name].queue;
        let comparable = |batch: Batch| (batch.first, batch.jobs.iter().map(without_spent).collect());
        let (expected, expected_batches, next_due) = self.model.claim(&claim);
        let [batches, expected_batches] = [claimed.batches, expected_batches].map(|mut batches| {
            batches.sort_by_key(queue);
            batches.into_iter().map(comparable).collect::<Vec<(JobId, Vec<Job>)>>()
        });
        same("claim", &(queues, batches, claimed.next_due), &(expected, expected_batches, next_due))
    }

    async fn commit(&mut self, end: &End) -> Result<(), TestCaseError> {
        let Some(commit) = self.commit_of(end) else { return Ok(()) };
        let link = commit.link.clone();
        let is_founded = match end.follows {
            None => true,
            Some(back) => self.followed(back).is_some_and(|(_, is_stored)| *is_stored),
        };
        let result = self.store.commit(commit.clone()).await;
        same("the link of a commit", &link.is_stored(), &result.is_ok())?;
        self.links.push((link, result.is_ok()));
        match (result, self.model.commit(commit, is_founded)) {
            (Ok(committed), Ok(has_work)) => same("has_work", &committed.has_work, &has_work),
            // Where several reasons apply, a store may return any of them.
            (Err(refusal), Err(reasons)) if reasons.contains(&Refusal::of(&refusal)) => Ok(()),
            (result, expected) => {
                Err(TestCaseError::fail(format!("commit\n   store: {result:?}\n   model: {expected:?}")))
            }
        }
    }

    async fn prune(&mut self, prune: Prune, following: u64) -> Result<(), TestCaseError> {
        let pruned = self.store.prune(prune.clone()).await.expect("prune");
        let (deleted, next) = self.model.prune(&prune, following);
        same("prune", &pruned.deleted, &deleted)?;
        // A store may need another call to find out that there is no more.
        let stops_early = pruned.next.is_none() && next.is_some();
        self.stopped = pruned.next.zip(next);
        same("pruning stops early", &stops_early, &false)
    }

    fn events(&self, count: u8) -> Vec<NewEvent> {
        (0..count).map(|_| NewEvent { emitted_at: self.now(), ..event("sent") }).collect()
    }

    fn jobs(&self, requests: &[Request]) -> Vec<NewJob> {
        let mut known: Vec<JobId> = self.model.jobs.iter().map(|stored| stored.job.id).collect();
        let mut jobs = Vec::new();
        for request in requests {
            let new = self.job(request, &known);
            known.push(new.id);
            jobs.push(new);
        }
        jobs
    }

    fn job(&self, request: &Request, known: &[JobId]) -> NewJob {
        let is_published = request.start.is_none();
        let predecessors = request.after.iter().filter_map(|predecessor| match *predecessor {
            Predecessor::Known(back) => known.iter().rev().nth(usize::from(back)).copied(),
            Predecessor::Missing => Some(job_id()),
        });
        job(request.name).with(|job| {
            job.payload = json(request.payload);
            job.order_key = request.lane.filter(|_| is_published).map(key);
            job.idempotency_key = request.key.map(key);
            job.priority = request.priority;
            job.after = if is_published { predecessors.collect() } else { Vec::new() };
            job.due_at = request.delay.filter(|_| is_published).map(|delay| at(self.now + i64::from(delay)));
            job.deadline = request.delay.map(|delay| at(self.now + 2 * i64::from(delay)));
            job.max_queued = request.limit;
            job.repeatable = request.payload == 0;
            job.target = request.target.map(|id| self.entity(id).id);
            job.start = request.start.map(|(by, is_held)| {
                let start = if is_held { Start::Held } else { Start::Running };
                start(worker(by))
            });
            job.created_at = at(self.latest);
        })
    }

    /// Maps numbers to jobs, preferably those that the step is about. 0 is a job that does not exist.
    fn pick_all(&self, numbers: &[u8], is_preferred: impl Fn(&Job) -> bool) -> Vec<JobId> {
        let all = || self.model.jobs.iter().map(|stored| &stored.job);
        let mut candidates: Vec<&Job> = all().filter(|job| is_preferred(job)).collect();
        if candidates.is_empty() {
            candidates = all().collect();
        }
        let pick =
            |number: &u8| match usize::from(*number).checked_sub(1).zip(candidates.len().checked_sub(1)) {
                Some((number, last)) => candidates[number % (last + 1)].id,
                None => job_id(),
            };
        numbers.iter().map(pick).collect()
    }

    /// The attempt that a step is about, of a job that is preferably as the step needs it.
    fn fenced(&self, attempt: &HeldAttempt, is_preferred: impl Fn(&StoredJob) -> bool) -> Option<Fenced> {
        let HeldAttempt { job, fence } = *attempt;
        let all: Vec<&StoredJob> = self.model.jobs.iter().collect();
        let mut candidates = all.clone();
        if fence != Fence::Anytime {
            candidates.retain(|stored| is_preferred(stored));
        }
        let candidates = if candidates.is_empty() { all } else { candidates };
        let stored = *candidates.get(usize::from(job) % candidates.len().max(1))?;
        let StoredJob { job, attempts, .. } = stored;
        let last = attempts.last();
        let by = stored.holder().or(last.map(|attempt| &attempt.worker));
        let mut active = RunningAttempt {
            job: job.clone(),
            worker: by.cloned().unwrap_or_else(|| worker("w")),
            started_at: last.map_or(self.now(), |attempt| attempt.started_at),
        };
        if stored.holder().is_some() {
            active.job.attempts += 1;
        }
        if let Some((by, number)) = stored.unreleased() {
            (active.worker, active.job.attempts) = (by.clone(), number);
        }
        match fence {
            Fence::AnotherWorker => active.worker = worker("stranger"),
            Fence::AnotherAttempt => active.job.attempts += 1,
            _ => {}
        }
        let renewals = self.model.renewals(&active.worker);
        let lapsed = match fence {
            Fence::Lapsed => Some(renewals),
            Fence::Outdated => Some(renewals.saturating_sub(1)),
            _ => None,
        };
        Some(Fenced { active, lapsed })
    }

    fn followed(&self, back: u8) -> Option<&(CommitLink, bool)> {
        self.links.iter().rev().nth(usize::from(back.checked_sub(1)?))
    }

    /// The commit that a step describes, for a stored job.
    fn commit_of(&self, end: &End) -> Option<Commit> {
        let attempt = HeldAttempt { job: end.job, fence: end.fence };
        let Fenced { active, lapsed } =
            self.fenced(&attempt, |stored| stored.job.state == JobState::Running)?;
        let failure = match end.next {
            step::Next::Succeed => None,
            _ => Some(Failure::denied("no")),
        };
        Some(Commit {
            job: active.job.id,
            attempt: active.ended().with(|attempt| {
                attempt.ended_at = Some(at(self.latest));
                attempt.failure = failure;
            }),
            lapsed,
            next: match end.next {
                step::Next::Succeed => Next::Succeeded(json("done")),
                step::Next::Fail => Next::Failed,
                step::Next::Retry { seconds } => Next::Retry(at(self.now + i64::from(seconds))),
                step::Next::PutBack { seconds } => Next::PutBack(at(self.now + i64::from(seconds))),
            },
            write: end.write.map(|(id, expected)| {
                let found = self.model.version(&self.entity(id));
                EntityWrite { key: self.entity(id), expected: expected.unwrap_or(found), body: json(found) }
            }),
            events: self.events(end.events),
            jobs: self.jobs(&end.requests),
            follows: end
                .follows
                .map(|back| self.followed(back).map_or_else(CommitLink::new, |(link, _)| link.clone())),
            link: CommitLink::new(),
        })
    }

    /// An entity that no other sequence writes.
    fn entity(&self, id: &str) -> EntityKey {
        account(&format!("{id} {}", self.number))
    }

    /// Compares the stored records. Of the attempts, only those that changed.
    async fn compare(&mut self, step: &impl Debug) -> Result<(), TestCaseError> {
        let found = self.store.all_jobs().await;
        for (found, expected) in found.iter().zip(&self.model.jobs) {
            let expected = without_spent(&expected.job);
            same(format_args!("a job after {step:?}"), &without_spent(found), &expected)?;
        }
        same(format_args!("jobs after {step:?}"), &found.len(), &self.model.jobs.len())?;
        for StoredJob { job, attempts, .. } in &self.model.jobs {
            if self.attempts.get(&job.id) != Some(attempts) {
                let found = self.store.attempts_of(job.id).await;
                same(format_args!("attempts after {step:?}"), &found, attempts)?;
                self.attempts.insert(job.id, attempts.clone());
            }
        }
        self.compare_events(step).await?;
        same(format_args!("counts after {step:?}"), &self.store.counts().await, &self.model.counts())?;
        same(format_args!("leases after {step:?}"), &self.store.all_leases().await, &self.model.leases())
    }

    /// A store may number cursors as it likes, as long as they are stable and increase in the order of commits.
    async fn compare_events(&mut self, step: &impl Debug) -> Result<(), TestCaseError> {
        let events = self.store.all_events().await;
        let last = self.events.last().map_or(0, |event| event.cursor.number());
        for event in &events {
            let is_known = self.events.iter().any(|known| known == event);
            same(
                format_args!("the cursor of {event:?} after {step:?}"),
                &is_known,
                &(event.cursor.number() <= last),
            )?;
        }
        let found: Vec<_> = events.iter().cloned().map(without_cursor).collect();
        same(format_args!("events after {step:?}"), &found, &self.model.events)?;
        if !events.is_empty() {
            self.events = events;
        }
        Ok(())
    }

    async fn compare_entities(&self) -> Result<(), TestCaseError> {
        for id in ["a", "b"] {
            let key = self.entity(id);
            let expected = self.model.entities.get(&(ENTITIES[0], key.id.clone())).cloned();
            same("an entity", &self.store.entity(&key).await, &expected)?;
        }
        Ok(())
    }

    /// A store may find failed jobs by a separate index.
    async fn compare_failed(&self) -> Result<(), TestCaseError> {
        let query = JobQuery::new().state(JobState::Failed);
        let found: Vec<JobId> = self.store.page(&query).await.jobs.iter().map(|job| job.id).collect();
        let failed = self.model.jobs.iter().filter(|stored| stored.job.state == JobState::Failed);
        same("failed jobs", &found, &failed.map(|stored| stored.job.id).collect())
    }

    /// Deletes what would affect other sequences.
    async fn clear(self) -> TestStore {
        self.store.cancel_jobs(&self.store.all_ids().await).await;
        for by in WORKERS {
            for RunningJob { job, worker, started_at } in
                self.store.running(&worker(by), usize::MAX).await.expect("running")
            {
                assert!(self.store.release_attempt(&RunningAttempt { job, worker, started_at }).await);
            }
        }
        self.store.prune_all(prune::all_ended()).await;
        self.store
            .prune_events(at(1_000_000), at(1_000_000), usize::from(u16::MAX))
            .await
            .expect("prune_events");
        for by in WORKERS {
            self.store.retire(&worker(by), self.model.renewals(&worker(by))).await.expect("retire");
        }
        self.store
    }
}

fn without_cursor(mut event: StoredEvent) -> StoredEvent {
    event.cursor = Cursor::START;
    event
}

/// A store may forget the spent attempts of an ended job.
fn without_spent(job: &Job) -> Job {
    let spent = if job.state.has_ended() { 0 } else { job.spent };
    job.clone().with(|job| job.spent = spent)
}

/// The requested job comes first; the order of the others is open.
fn in_one_order(mut changed: Vec<Changed>) -> Vec<Changed> {
    for change in &mut changed {
        if let Changed::Done(ids) = change {
            ids[1..].sort_unstable();
        }
    }
    changed
}

/// Fails unless each result is an acceptable one.
fn one_of(results: &[Submitted], expected: &[Vec<Submitted>]) -> Result<(), TestCaseError> {
    let is_right = |(result, right): (&Submitted, &Vec<Submitted>)| right.contains(result);
    if results.len() == expected.len() && results.iter().zip(expected).all(is_right) {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("submit\n   store: {results:?}\n   model: {expected:?}")))
}
