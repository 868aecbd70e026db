//! How an attempt comes to its start: it waits for its entity first, and waiting is not running ([r17](crate::rules#r17)).

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::attempt::{FIRST_PAUSE, LONGEST_PAUSE, Progress, end_fenced};
use super::batches::{LONGEST_WAIT, SharedPermit};
use super::company::Place;
use super::engine::Engine;
use super::entity_locks::{EntityLock, InLine};
use super::losses::Losses;
use super::running_attempts::RegisteredAttempt;
use crate::model::{Failure, Job};
use crate::store::{Begin, Release, StoreError};
use crate::wiring::JobPlan;

/// How the attempt of a job comes to its start.
pub(crate) enum Arrival {
    /// The job was claimed, under this permit: the attempt is running in the store.
    Claimed(Option<OwnedSemaphorePermit>),
    /// The job was claimed with others of its entity, and has its place in line before them.
    FirstOfBatch { permit: Option<OwnedSemaphorePermit>, line: InLine, batch: Weak<SharedPermit> },
    /// The job was claimed behind others of its entity: this worker holds it in the store.
    InBatch { line: InLine, batch: Arc<SharedPermit> },
    /// The job is executed at once: the attempt is running in the store. If the job binds an entity, it is held.
    AtOnce(Option<EntityLock>),
    /// The job is executed, and is in line for its entity: this worker holds it in the store.
    InLine(InLine),
}

impl Arrival {
    /// Whether the attempt is running in the store.
    pub(super) fn has_begun(&self) -> bool {
        matches!(self, Self::Claimed(_) | Self::FirstOfBatch { .. } | Self::AtOnce(_))
    }

    /// The batch whose next job gets the permit.
    pub(super) fn batch(&self) -> Weak<SharedPermit> {
        match self {
            Self::FirstOfBatch { batch, .. } => batch.clone(),
            Self::InBatch { batch, .. } => Arc::downgrade(batch),
            Self::Claimed(_) | Self::AtOnce(_) | Self::InLine(_) => Weak::new(),
        }
    }

    pub(super) fn into_permit(self) -> Option<OwnedSemaphorePermit> {
        match self {
            Self::Claimed(permit) | Self::FirstOfBatch { permit, .. } => permit,
            Self::InBatch { .. } | Self::AtOnce(_) | Self::InLine(_) => None,
        }
    }
}

/// What an attempt has when it begins.
pub(super) struct Begun {
    pub(super) lock: Option<EntityLock>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// `None` if the job's deadline has passed: the attempt fails at once.
    pub(super) place: Option<Place>,
}

/// Why an attempt did not begin.
pub(super) enum NotBegun {
    /// The job was cancelled, or another worker has released it.
    Fenced,
    /// The store failed.
    Failed(Failure),
}

/// An attempt before it begins.
pub(super) struct Candidate<'a> {
    pub(super) engine: &'a Engine,
    pub(super) plan: &'a JobPlan,
    /// Its `attempts` is the number of this attempt.
    pub(super) job: &'a Job,
    pub(super) registered: &'a RegisteredAttempt<'a>,
}

impl Candidate<'_> {
    /// Waits until the job has its entity and a place among the running attempts, and begins the attempt. `None` if it does not begin:
    /// the job was cancelled, or is left to a later claim.
    pub(super) async fn begin(&self, arrival: Arrival, progress: &mut Progress) -> Option<Begun> {
        let (lock, permit) = self.entity(arrival, progress).await?;
        if permit.is_some() && lock.is_some() {
            progress.entity_since = Some(self.engine.clock.elapsed());
        }
        let place = self.place(progress).await?;
        if !progress.has_begun
            && let Err(not_begun) = self.begin_held(progress).await
        {
            // Others may wait for them.
            drop((lock, permit, place));
            self.leave(not_begun).await;
            return None;
        }
        Some(Begun { lock, permit, place })
    }

    /// Waits until the job has its entity, if it binds one.
    async fn entity(
        &self,
        arrival: Arrival,
        progress: &mut Progress,
    ) -> Option<(Option<EntityLock>, Option<OwnedSemaphorePermit>)> {
        let (permit, mut line): (_, InLine) = match arrival {
            Arrival::Claimed(permit) => {
                let Some(entity) = self.plan.entity_of(self.job) else { return Some((None, permit)) };
                if let Some(lock) = self.engine.locks.try_lock(&entity) {
                    return Some((Some(lock), permit));
                }
                (permit, Box::pin(self.engine.locks.lock(&entity)))
            }
            Arrival::FirstOfBatch { permit, line, .. } => (permit, line),
            Arrival::InBatch { line, batch, .. } => return self.wait_in_batch(line, batch).await,
            Arrival::AtOnce(lock) => return Some((lock, None)),
            Arrival::InLine(line) => return Some((self.wait(line).await?, None)),
        };
        match line.as_mut().now_or_never() {
            Some(lock) => Some((Some(lock), permit)),
            None => self.wait_without_permit(line, permit, progress).await,
        }
    }

    /// Waits for the entity and the permit that the job before this one in the batch passes on.
    async fn wait_in_batch(
        &self,
        line: InLine,
        batch: Arc<SharedPermit>,
    ) -> Option<(Option<EntityLock>, Option<OwnedSemaphorePermit>)> {
        let in_time = async {
            tokio::select! {
                biased;
                lock = line => Some(lock),
                () = self.engine.clock.sleep_until(batch.until) => None,
            }
        };
        match self.wait(in_time).await? {
            Some(Some(lock)) => {
                if let Some(permit) = batch.take() {
                    return Some((Some(lock), Some(permit)));
                }
            }
            Some(None) => self.engine.batch_size.note(LONGEST_WAIT),
            None => return Some((None, None)),
        }
        drop(batch);
        self.give_back().await;
        None
    }

    /// Waits for a place among the running attempts, without counting as begun. `Some(None)` if the job's deadline passes meanwhile.
    async fn place(&self, progress: &mut Progress) -> Option<Option<Place>> {
        let is_alone = progress.losses.is_last(self.plan);
        if let Some(place) = self.engine.company.try_join(is_alone) {
            return Some(Some(place));
        }
        if progress.has_begun {
            self.hold(progress).await?;
        }
        if is_alone {
            tracing::warn!(
                "the job's workers died while it ran; it runs alone in this process, and others wait"
            );
        }
        self.wait(self.engine.company.join(is_alone)).await
    }

    /// What an attempt waits for that executes again, in the order of all attempts: its entity, then a place. It stays begun. `None` if the
    /// job was cancelled; without either if its deadline passes meanwhile.
    pub(super) async fn entity_and_place(
        &self,
        losses: &Losses,
    ) -> Option<(Option<EntityLock>, Option<Place>)> {
        let mut lock = None;
        if let Some(entity) = self.plan.entity_of(self.job) {
            lock = self.wait(self.engine.locks.lock(&entity)).await?;
            if lock.is_none() {
                return Some((None, None));
            }
        }
        let place = self.wait(self.engine.company.join(losses.is_last(self.plan))).await?;
        Some((lock, place))
    }

    /// A claimed job whose entity an execution of this process has: waits without its permit, and without counting as begun.
    async fn wait_without_permit(
        &self,
        line: InLine,
        permit: Option<OwnedSemaphorePermit>,
        progress: &mut Progress,
    ) -> Option<(Option<EntityLock>, Option<OwnedSemaphorePermit>)> {
        let permits = permit.as_ref().map(|permit| permit.semaphore().clone());
        drop(permit);
        self.hold(progress).await?;
        let lock = self.wait(line).await?;
        let Ok(permit) = permits.map(Semaphore::try_acquire_owned).transpose() else {
            // Other jobs have all permits: the next claim that has one decides which job comes first.
            drop(lock);
            self.give_back().await;
            return None;
        };
        Some((lock, permit))
    }

    /// Takes back the begun attempt, and keeps the job. `None` if the attempt was cancelled or rescued.
    async fn hold(&self, progress: &mut Progress) -> Option<()> {
        match self.release(true).await {
            Ok(true) => progress.has_begun = false,
            Ok(false) => {
                end_fenced(self).await;
                return None;
            }
            // It stays begun, which is safe.
            Err(error) => {
                tracing::warn!("cannot store that the job waits before it begins: {}", Failure::from(error));
            }
        }
        Some(())
    }

    /// Waits for what the attempt needs to begin. `Some(None)` if the job's deadline passes meanwhile: it then begins without that, and
    /// fails. `None` if the job was cancelled.
    async fn wait<T>(&self, needed: impl Future<Output = T>) -> Option<Option<T>> {
        let clock = &self.engine.clock;
        let start = clock.elapsed();
        let until = self.job.effective_deadline().map(|deadline| {
            start.saturating_add(Duration::try_from(deadline.duration_since(clock.now())).unwrap_or_default())
        });
        let deadline = async {
            match until {
                Some(until) => clock.sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.registered.cancellation.cancelled() => {
                end_fenced(self).await;
                None
            }
            needed = needed => Some(Some(needed)),
            () = deadline => Some(None),
        }
    }

    /// Begins the attempt of a job that this worker holds. If it may be repeated, its start need not be durable.
    pub(super) async fn begin_held(&self, progress: &mut Progress) -> Result<(), NotBegun> {
        let repeatable = self.plan.settings.retry.repeats();
        progress.attempt.started_at = self.engine.clock.now();
        let begin = self.engine.store.begin(Begin {
            job: self.job.id,
            worker: self.engine.worker.clone(),
            number: self.job.attempts,
            repeatable,
            now: progress.attempt.started_at,
        });
        progress.has_begun = true;
        if repeatable {
            // If it is not stored, the commit is fenced.
            return Ok(());
        }
        match begin.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotBegun::Fenced),
            Err(error) => {
                progress.has_begun = false;
                Err(NotBegun::Failed(error.into()))
            }
        }
    }

    /// Leaves a job whose attempt could not begin.
    pub(super) async fn leave(&self, not_begun: NotBegun) {
        match not_begun {
            NotBegun::Fenced => end_fenced(self).await,
            NotBegun::Failed(failure) => {
                tracing::error!(
                    "cannot store the start of the attempt; the job is left to another: {failure}"
                );
                self.engine.waiters.announce(self.job.id, &Err(failure));
                self.give_back().await;
            }
        }
    }

    /// Leaves the job to the next claim. The attempt is not counted. If the job is cancelled, its lane and the turn of its entity pass on.
    ///
    /// Tries until the store has stored it: no other process releases what a living worker has. After the deadline of a shutdown it tries
    /// once.
    pub(super) async fn give_back(&self) {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.release(false).await {
            let failure = Failure::from(error);
            if self.engine.abort.is_cancelled() {
                tracing::error!("cannot release the job; it is released when the lease expires: {failure}");
                return;
            }
            tracing::error!(retry_in = ?pause, "cannot release the job; retrying: {failure}");
            self.engine.clock.sleep_until(self.engine.clock.elapsed().saturating_add(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.engine.work.notify_one();
    }

    async fn release(&self, hold: bool) -> Result<bool, StoreError> {
        let release = Release {
            job: self.job.id,
            worker: self.engine.worker.clone(),
            number: self.job.attempts,
            lapsed: None,
            hold,
        };
        self.engine.store.release(release).await
    }
}
