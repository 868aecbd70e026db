use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// A part of a stored record that cannot be read. The record has a placeholder in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unreadable {
    /// Where it is stored: a column or a field.
    pub column: Cow<'static, str>,
    /// Why it cannot be read. It holds nothing of a payload.
    pub reason: String,
}

impl Unreadable {
    /// A part that cannot be read, for stores.
    pub fn new(column: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self { column: column.into(), reason: reason.into() }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column `{}` {}", self.column, self.reason)
    }
}
