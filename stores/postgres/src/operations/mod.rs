//! The writes. They decide on the [`World`](crate::world::World), which reads and writes the rows.

mod begin;
mod cancel;
mod commit;
mod due;
mod late_effects;
mod prune;
mod release;
mod retry;
mod submit;
mod tick;

pub(crate) use begin::BeginAttempt;
pub(crate) use cancel::CancelJobs;
pub(crate) use commit::CommitAttempt;
pub(crate) use due::ChangeDue;
pub(crate) use late_effects::AddLateEffects;
pub(crate) use prune::PruneJobs;
pub(crate) use release::ReleaseAttempt;
pub(crate) use retry::RetryJobs;
pub(crate) use submit::SubmitJobs;
pub(crate) use tick::RecordTick;
