use std::fmt;

use crate::model::Source;

/// A problem of the wiring that `start()` reports ([r50](crate::rules#r50)).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub(super) source: Source,
    pub(super) message: String,
}

impl Problem {
    pub(crate) fn new(source: Source, message: impl Into<String>) -> Self {
        Self { source, message: message.into() }
    }

    /// The place in the source of the program.
    pub fn source(&self) -> Source {
        self.source
    }

    /// What is wrong, and what to do about it.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
    }
}
