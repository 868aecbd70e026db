use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

/// The text that identifies an entity, a lane or an idempotent request in a store. Cheap to clone.
///
/// The key of a string (or a newtype around one) is the string itself; the key of any other value is its JSON. So the key
/// of `"a-1"` is `a-1`, the key of `17` is `17`, and the key of `("de", 7)` is `["de",7]`. The fields of an object are sorted by name, so
/// the order in which a struct declares them makes no difference.
///
/// `Display` writes the text; `Debug` hides it, since it may be a field of a payload.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The key of a value; `None` if the value is `null` in JSON, so that a key can be optional, or cannot be written as
    /// JSON. (A command with such a field is refused.)
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Option<Self> {
        match serde_json::to_value(value).ok()? {
            Value::Null => None,
            Value::String(text) => Some(Self(text.into())),
            mut other => {
                // Another crate may let `serde_json` keep the order in which fields are written.
                other.sort_all_objects();
                Some(Self(other.to_string().into()))
            }
        }
    }

    /// Restores a key from its stored text.
    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
