use std::any::Any;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};

use crate::engine::Engine;
use crate::{Failure, FailureKind, Job, Step};

/// A point on the way of an attempt, at which a [`Fault`] can occur (r62).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// The attempt has begun on record, and nothing else has happened.
    Claimed,
    /// The steps before this one are done.
    Before(Step),
    /// The commit is on record, and nobody knows yet.
    Committed,
}

impl Point {
    /// Every point, in the order of an attempt.
    pub const ALL: [Self; Step::ALL.len() + 2] = {
        let mut all = [Self::Claimed; Step::ALL.len() + 2];
        let mut index = 0;
        while index < Step::ALL.len() {
            all[index + 1] = Self::Before(Step::ALL[index]);
            index += 1;
        }
        all[Step::ALL.len() + 1] = Self::Committed;
        all
    };
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed => f.write_str("once claimed"),
            Self::Before(step) => write!(f, "before {step}"),
            Self::Committed => f.write_str("once committed"),
        }
    }
}

/// What can go wrong at a [`Point`] (r62).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An error is returned, which another attempt may not meet. At [`Point::Committed`]: the store's answer is lost.
    Error,
    /// Something panics.
    Panic,
    /// The process dies: nothing of it does anything any more, and what it was doing is left as it is on record.
    Crash,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 3] = [Self::Error, Self::Panic, Self::Crash];
}

/// The faults that are still to occur.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<(Point, Fault)>>);

/// The payload of the panic that a crash unwinds with: it ends an attempt without a word.
struct Crashed;

/// Whether a panic stands for the death of the process.
pub(crate) fn is_crash(panic: &(dyn Any + Send)) -> bool {
    panic.is::<Crashed>()
}

impl Faults {
    /// Has a fault occur at the next attempt to pass a point.
    pub(crate) fn plan(&self, point: Point, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((point, fault));
    }

    /// Whether every fault that was planned has occurred.
    pub(crate) fn are_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Does what was planned for this point, if anything was.
    pub(crate) fn strike(&self, point: Point, engine: &Engine, job: &Job) -> Result<(), Failure> {
        let planned = {
            let mut planned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
                engine.die();
                resume_unwind(Box::new(Crashed))
            }
        }
    }
}
