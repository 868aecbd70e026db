//! Points of an attempt at which the test kit can inject a fault.

use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::model::{Failure, FailureKind, Job, JobId, Step};

/// A point of an attempt at which a [`Fault`] can be injected ([r62](crate::rules#r62)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Point {
    /// The start of the attempt is stored.
    Claimed,
    /// The steps before this one are done.
    Before(Step),
    /// The commit is stored, and not yet announced.
    Committed,
    /// The attempt has failed, and its failure is not yet stored.
    Failing,
    /// The failure is stored, and not yet announced.
    Failed,
}

impl Point {
    /// Every point, in the order of an attempt.
    pub const ALL: &'static [Self] = &{
        let mut all = [Self::Claimed; Step::ALL.len() + 4];
        let mut index = 0;
        while index < Step::ALL.len() {
            all[index + 1] = Self::Before(Step::ALL[index]);
            index += 1;
        }
        all[Step::ALL.len() + 1] = Self::Committed;
        all[Step::ALL.len() + 2] = Self::Failing;
        all[Step::ALL.len() + 3] = Self::Failed;
        all
    };
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed => f.write_str("after the claim"),
            Self::Before(step) => write!(f, "before {step}"),
            Self::Committed => f.write_str("after the commit"),
            Self::Failing => f.write_str("before the failure is stored"),
            Self::Failed => f.write_str("after the failure is stored"),
        }
    }
}

/// A fault to inject at a [`Point`] ([r62](crate::rules#r62)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A transient error. At [`Point::Committed`] the result of the commit is lost. At [`Point::Failing`] the store fails,
    /// and is tried again after a pause by the runtime's clock. At [`Point::Failed`] it has no effect.
    Error,
    /// A panic, with the effects of an error.
    Panic,
    /// The process dies: it does nothing more, and the attempt stays stored as it is.
    Crash,
}

impl Fault {
    /// Every fault.
    pub const ALL: &'static [Self] = &[Self::Error, Self::Panic, Self::Crash];
}

/// The faults that a test has planned, and the attempts whose handlers have started.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Those that have not occurred.
    planned: Mutex<Vec<(Point, Fault)>>,
    /// The attempts whose handlers have started.
    handling: watch::Sender<HashSet<(JobId, u32)>>,
}

/// The payload of the panic by which a crash unwinds an attempt.
struct Crashed;

/// Whether a panic is an injected crash.
pub(crate) fn is_crash(panic: &(dyn Any + Send)) -> bool {
    panic.is::<Crashed>()
}

impl Faults {
    /// Plans a fault for the next attempt that passes a point.
    pub(crate) fn plan(&self, point: Point, fault: Fault) {
        self.planned().push((point, fault));
    }

    /// The planned faults that have not occurred.
    pub(crate) fn left(&self) -> Vec<(Point, Fault)> {
        self.planned().clone()
    }

    /// Returns once the handler of an attempt has started.
    pub(crate) async fn handling(&self, job: JobId, attempt: u32) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.handling.subscribe().wait_for(|handling| handling.contains(&(job, attempt))).await;
    }

    /// Injects the fault that was planned first for this point, if any.
    pub(crate) fn inject(&self, point: Point, job: &Job, die: impl FnOnce()) -> Result<(), Failure> {
        if point == Point::Before(Step::Handle) {
            self.handling.send_modify(|handling| {
                handling.insert((job.id, job.attempts));
            });
        }
        let planned = {
            let mut planned = self.planned();
            planned.iter().position(|(at, _)| *at == point).map(|index| planned.remove(index).1)
        };
        match planned {
            None => Ok(()),
            Some(Fault::Error) => {
                let message = format!("injected fault {point} of job {}", job.id);
                Err(Failure::new(FailureKind::Error, "injected", message))
            }
            Some(Fault::Panic) => panic!("injected fault {point} of job {}", job.id),
            Some(Fault::Crash) => {
                die();
                resume_unwind(Box::new(Crashed))
            }
        }
    }

    fn planned(&self) -> MutexGuard<'_, Vec<(Point, Fault)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
