//! Why a runtime does not start.

use std::fmt;

use crate::wiring::Problem;

/// The domain cannot start as it is: everything that is wrong with it (r50).
#[derive(Debug)]
pub struct StartError {
    pub(super) problems: Vec<Problem>,
}

impl StartError {
    /// Every problem, by its place in the source.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "the domain has a problem:")?,
            count => write!(f, "the domain has {count} problems:")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for StartError {}
