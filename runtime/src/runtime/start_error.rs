//! Why a runtime does not start.

use std::fmt;

use crate::wiring::Problem;

/// The problems that keep a runtime from starting ([r50](crate::rules#r50)).
///
/// `Debug` writes what `Display` does, so that the error reads well when `main` returns it.
pub struct StartError {
    pub(super) problems: Vec<Problem>,
}

impl StartError {
    /// Every problem, ordered by its place in the source.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "the runtime cannot start because of a problem:")?,
            count => write!(f, "the runtime cannot start because of {count} problems:")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {}
