use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A JSON document as text: how payloads, entities and outputs lie in a store. Cheap to clone.
///
/// Equality is that of the text. Two texts of one value differ if their keys stand in another order; compare
/// [`value`](Self::value)s where that matters.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// `null`.
    pub(crate) fn null() -> Self {
        Self("null".into())
    }

    /// Takes text that is known to be JSON: what a store has read back.
    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The JSON of a value.
    ///
    /// # Errors
    /// If the value's `Serialize` refuses, as for a map whose keys are no strings.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document as a `T`.
    ///
    /// # Errors
    /// If the text is no JSON, or no `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.0)
    }

    /// The document as a tree.
    ///
    /// # Errors
    /// If the text is no JSON.
    pub fn value(&self) -> serde_json::Result<Value> {
        self.parse()
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Value = self.parse().map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}
