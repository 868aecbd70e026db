//! Attempts that ended without the job's own doing ([r22](crate::rules#r22)).

use super::engine::Engine;
use crate::model::{Failure, FailureKind, Job};
use crate::store::StoreError;
use crate::wiring::JobPlan;

/// The code of an attempt whose worker died, or was taken for dead.
pub(super) const LOST: &str = "lost";

/// The code of an attempt that a shutdown has aborted.
pub(super) const SHUT_DOWN: &str = "shut_down";

/// How many of a job's earlier attempts, since the last retry by hand, were lost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    /// With their workers, or so their handlers said.
    lost: u32,
    /// By a shutdown.
    shut_down: u32,
}

impl Losses {
    /// Reads the earlier attempts of a job, if it has any.
    pub(super) async fn before(engine: &Engine, job: &Job, number: u32) -> Result<Self, StoreError> {
        let mut losses = Self::default();
        if number.saturating_sub(job.spent) <= 1 {
            return Ok(losses);
        }
        for attempt in engine.store.attempts(job.id).await? {
            let Some(failure) = attempt.failure.filter(|_| attempt.number > job.spent) else { continue };
            match (failure.kind(), failure.code()) {
                (FailureKind::Lost, SHUT_DOWN) => losses.shut_down = losses.shut_down.saturating_add(1),
                (FailureKind::Lost, _) => losses.lost = losses.lost.saturating_add(1),
                _ => {}
            }
        }
        Ok(losses)
    }

    /// Which attempt it is for the retry policy, counted from 1. Losses are counted apart from other failures, and those by a shutdown
    /// are not counted.
    pub(super) fn number(self, job: &Job, number: u32, failure: &Failure) -> u32 {
        let Self { lost, shut_down } = self;
        match (failure.kind(), failure.code()) {
            (FailureKind::Lost, SHUT_DOWN) => 1,
            (FailureKind::Lost, _) => lost.saturating_add(1),
            _ => number.saturating_sub(job.spent).saturating_sub(lost).saturating_sub(shut_down).max(1),
        }
    }

    /// Whether the losses so far end the job. A program that does not know its policy may have released it.
    pub(super) fn are_too_many(self, plan: &JobPlan) -> bool {
        self.lost >= plan.settings.retry.attempts(FailureKind::Lost)
    }

    /// Whether one more loss would end the job.
    pub(super) fn is_last(self, plan: &JobPlan) -> bool {
        let limit = plan.settings.retry.attempts(FailureKind::Lost);
        limit > 1 && self.lost.saturating_add(1) >= limit
    }
}
