use std::fmt;
use std::panic::Location;

use serde::Serialize;

/// A place in the source of a program. Made by [`source!`](crate::source).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// The file, as in [`file!`].
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl Source {
    /// The place of the caller, within a `#[track_caller]` function.
    #[track_caller]
    pub(crate) const fn caller() -> Self {
        let caller = Location::caller();
        Self { file: caller.file(), line: caller.line() }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
