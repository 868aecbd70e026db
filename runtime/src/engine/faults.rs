//! Points of an attempt at which the test kit can inject a fault.

use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::model::{Failure, FailureKind, Job, JobId, Step};

/// A point on the way of an attempt, at which a [`Fault`] can occur (r62).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// The attempt has begun on record, and nothing else has happened.
    Claimed,
    /// The steps before this one are done.
    Before(Step),
    /// The commit is on record, and nobody knows yet.
    Committed,
    /// The attempt has failed, and that is not on record yet.
    Failing,
    /// That it has failed is on record, and nobody knows yet.
    Failed,
}

impl Point {
    /// Every point, in the order of an attempt.
    pub const ALL: [Self; Step::ALL.len() + 4] = {
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
            Self::Claimed => f.write_str("once claimed"),
            Self::Before(step) => write!(f, "before {step}"),
            Self::Committed => f.write_str("once committed"),
            Self::Failing => f.write_str("before its failure is on record,"),
            Self::Failed => f.write_str("once its failure is on record,"),
        }
    }
}

/// What can go wrong at a [`Point`] (r62).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An error is returned, which another attempt may not meet. At [`Point::Committed`] it is the store's answer that is
    /// lost; at [`Point::Failing`] the store that cannot answer, and is asked again after a pause by the runtime's clock; at
    /// [`Point::Failed`] there is nobody to return it to, and nothing happens.
    Error,
    /// Something panics. What an error does at each point, a panic does there, too.
    Panic,
    /// The process dies: nothing of it does anything any more, and what it was doing is left as it is on record.
    Crash,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 3] = [Self::Error, Self::Panic, Self::Crash];
}

/// What a test has to say at the points that an attempt passes, and learns there.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Those that are still to occur.
    planned: Mutex<Vec<(Point, Fault)>>,
    /// The attempts whose handlers have begun.
    handling: watch::Sender<HashSet<(JobId, u32)>>,
}

/// The payload of the panic that a crash unwinds with: it ends an attempt without a word.
struct Crashed;

/// Whether a panic stands for the death of the process.
pub(crate) fn is_crash(panic: &(dyn Any + Send)) -> bool {
    panic.is::<Crashed>()
}

impl Faults {
    /// Has a fault occur at the next attempt to pass a point.
    pub(crate) fn plan(&self, point: Point, fault: Fault) {
        self.planned().push((point, fault));
    }

    /// The faults that were planned and have not occurred.
    pub(crate) fn left(&self) -> Vec<(Point, Fault)> {
        self.planned().clone()
    }

    /// Returns once an attempt has come to its handler.
    pub(crate) async fn handling(&self, job: JobId, attempt: u32) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.handling.subscribe().wait_for(|handling| handling.contains(&(job, attempt))).await;
    }

    fn planned(&self) -> MutexGuard<'_, Vec<(Point, Fault)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what was planned for this point, if anything was.
    pub(crate) fn strike(&self, point: Point, job: &Job, die: impl FnOnce()) -> Result<(), Failure> {
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
                let message = format!("an injected fault, {point} of job {}", job.id);
                Err(Failure::new(FailureKind::Error, "injected", message))
            }
            Some(Fault::Panic) => panic!("an injected fault, {point} of job {}", job.id),
            Some(Fault::Crash) => {
                die();
                resume_unwind(Box::new(Crashed))
            }
        }
    }
}
