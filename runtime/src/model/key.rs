use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

/// The text that identifies an entity, a lane or an idempotent request in a store. Cheap to clone.
///
/// A string (or a newtype around one) is its own key, any other value is known by its JSON: `"a-1"` by `a-1`, `17` by
/// `17`, `["de", 7]` by `["de",7]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The key of a value; `None` for what is `null` in JSON, so that an optional field may stand for "no key", and for
    /// what is no JSON at all. (The latter gets nowhere: the command around it is no JSON either, and is refused.)
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Option<Self> {
        match serde_json::to_value(value).ok()? {
            Value::Null => None,
            Value::String(text) => Some(Self(text.into())),
            other => Some(Self(other.to_string().into())),
        }
    }

    /// Takes the text of a key, as a store has read it back.
    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
