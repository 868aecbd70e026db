use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A JSON document as text: the stored form of payloads, entities and outputs. Cheap to clone.
///
/// `Display` writes the text; `Debug` only its size, so that no payload ends in a log by accident.
///
/// Equality compares the text, so the order of keys matters. To compare documents, compare their
/// [`value`](Self::value)s.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// `null`.
    pub(crate) fn null() -> Self {
        Self("null".into())
    }

    /// Wraps text that is known to be JSON, such as text read from a store. It is not checked.
    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Serializes a value.
    ///
    /// # Errors
    /// If the value cannot be written as JSON, such as a map whose keys are not strings.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Deserializes the document.
    ///
    /// # Errors
    /// If the text is not JSON, or does not represent a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.0)
    }

    /// Parses the document.
    ///
    /// # Errors
    /// If the text is not JSON.
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
        write!(f, "Json({} bytes)", self.0.len())
    }
}

/// Text that is not JSON, which only a damaged store holds, is written as a string.
impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value() {
            Ok(value) => value.serialize(serializer),
            Err(_) => self.0.serialize(serializer),
        }
    }
}
