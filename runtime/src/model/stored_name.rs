//! Names of a fixed vocabulary that this version does not know, because a newer one has stored them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A stored name that this version of the library does not know, such as a job kind of a newer version
/// ([r07](crate::rules#r07)). It displays, serializes and compares as the text that is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredName(&'static str);

/// Each name is kept for as long as the process lives, so a damaged store must not supply any number of them, or long ones.
static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
const MAX_NAMES: usize = 1000;
const MAX_LENGTH: usize = 64;

impl StoredName {
    /// Stands for a text that is not a name at all.
    pub(super) const UNREADABLE: Self = Self("?");

    /// `None` if the text is not a name: 1 to 64 lower-case letters, digits and `_`.
    pub(super) fn new(text: &str) -> Option<Self> {
        let is_allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if text.is_empty() || text.len() > MAX_LENGTH || !text.bytes().all(is_allowed) {
            return None;
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = names.get(text) {
            return Some(Self(name));
        }
        if names.len() >= MAX_NAMES {
            return None;
        }
        let name: &'static str = Box::leak(text.to_owned().into_boxed_str());
        names.insert(name);
        Some(Self(name))
    }

    /// The text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for StoredName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for StoredName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// Implements an enum of a fixed vocabulary with a variant `Unknown(StoredName)`: its names, as text and in JSON.
macro_rules! vocabulary {
    ($type:ident, $what:literal, $($variant:ident = $name:literal,)*) => {
        impl $type {
            /// Every known value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name, as it is stored and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown(name) => name.as_str(),
                }
            }

            /// Reads a stored name. One that this version does not know is `Unknown`; `None` if the text is not a name: 1 to 64
            /// lower-case letters, digits and `_`.
            ///
            /// To parse a user's input, which must be a known name, use [`FromStr`](std::str::FromStr).
            pub fn from_stored(text: &str) -> Option<Self> {
                match text {
                    $($name => Some(Self::$variant),)*
                    other => $crate::model::StoredName::new(other).map(Self::Unknown),
                }
            }

            /// As [`from_stored`](Self::from_stored), with a placeholder that displays as `?` for a text that is not a name.
            pub fn from_stored_or_placeholder(text: &str) -> Self {
                Self::from_stored(text).unwrap_or(Self::Unknown($crate::model::StoredName::UNREADABLE))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                let refuse = || serde::de::Error::custom(concat!("not the name of a ", $what));
                Self::from_stored(&text).ok_or_else(refuse)
            }
        }
    };
}
pub(super) use vocabulary;

#[cfg(test)]
mod tests {
    use crate::{FailureKind, JobKind, JobState, Step};

    #[test]
    fn r07_an_unknown_name_is_kept_as_it_is() {
        let kind = JobKind::from_stored("process_step").expect("a name");
        assert!(matches!(kind, JobKind::Unknown(name) if name.as_str() == "process_step"));
        assert_eq!((kind.to_string(), kind.as_str()), ("process_step".to_owned(), "process_step"));
        assert_eq!(JobKind::from_stored("process_step"), Some(kind));
        assert_eq!(JobKind::from_stored("command"), Some(JobKind::Command));
        for text in [r#""parked""#, r#""waiting""#] {
            let state: JobState = serde_json::from_str(text).expect("a state");
            assert_eq!(serde_json::to_string(&state).expect("JSON"), text);
            let step: Step = serde_json::from_str(text).expect("a step");
            assert_eq!(serde_json::to_string(&step).expect("JSON"), text);
            let kind: FailureKind = serde_json::from_str(text).expect("a kind");
            assert_eq!(serde_json::to_string(&kind).expect("JSON"), text);
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for text in ["", "Two Words", "{", &"x".repeat(65)] {
            assert_eq!(JobState::from_stored(text), None);
            assert_eq!(JobState::from_stored_or_placeholder(text).to_string(), "?");
        }
        assert!("process_step".parse::<JobKind>().is_err(), "what a user writes must be known");
    }
}
