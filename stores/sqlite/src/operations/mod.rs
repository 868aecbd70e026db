//! The writes. They decide; [`statements`](crate::statements) reads and writes the rows.

mod admission;
mod begin;
mod cancel;
mod claim;
mod commit;
mod due;
mod late_effects;
mod lease;
mod prune;
mod retry;
mod submit;
mod tick;

pub(crate) use begin::{BeginAttempt, ReleaseAttempt};
pub(crate) use cancel::CancelJobs;
pub(crate) use claim::ClaimJobs;
pub(crate) use commit::CommitAttempt;
pub(crate) use due::ChangeDue;
pub(crate) use late_effects::AddLateEffects;
pub(crate) use lease::{RenewLease, RetireWorker};
pub(crate) use prune::{PruneEvents, PruneJobs};
pub(crate) use retry::RetryJobs;
pub(crate) use submit::SubmitJobs;
pub(crate) use tick::RecordTick;
