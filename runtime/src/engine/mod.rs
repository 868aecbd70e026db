//! Runs jobs: the lifecycle, attempts, the dispatcher, leases, schedules, pruning.

pub(crate) mod attempt;
mod binding;
mod bounds;
pub(crate) mod dispatcher;
mod draft;
mod effects;
pub(crate) mod ends;
#[expect(clippy::module_inception, reason = "a file has the name of the type that it holds")]
mod engine;
mod entity_locks;
mod faults;
mod host;
mod id_source;
mod invariants;
pub(crate) mod lease_keeper;
mod lease_observations;
mod lease_renewal;
mod lifecycle;
mod long_polls;
mod overrides;
mod pauses;
mod polls;
pub(crate) mod pruning;
mod retention;
mod running_attempts;
mod schedule_positions;
pub(crate) mod schedules;
mod time_limit;
mod waiters;

pub(crate) use dispatcher::QueuePermits;
pub(crate) use draft::{Draft, handler_jobs};
pub(crate) use engine::Engine;
pub(crate) use entity_locks::EntityLocks;
pub(crate) use faults::Faults;
pub use faults::{Fault, Point};
pub(crate) use id_source::IdSource;
pub(crate) use invariants::check_always;
pub(crate) use lease_observations::LeaseObservations;
pub(crate) use lease_renewal::LeaseRenewal;
pub(crate) use overrides::OverrideGuard;
pub(crate) use pauses::Pauses;
pub(crate) use polls::LongPolls;
pub use retention::Retention;
pub(crate) use running_attempts::{AttemptId, RunningAttempts};
pub(crate) use schedule_positions::SchedulePositions;
pub(crate) use waiters::{Ended, Waiters, cancelled, ended, no_such_job};
