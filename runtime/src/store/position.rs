//! Positions in a store, as users keep them: their content is the store's.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

macro_rules! position {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// It is stored and compared as its text (`Display`, `FromStr`, serde), whose form may change with the store.
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u64);

        impl $name {
            /// At this number of the store's. For stores, and exempt from semantic versioning as their contract is.
            pub const fn from_number(number: u64) -> Self {
                Self(number)
            }

            /// The number of the store's. For stores, and exempt from semantic versioning as their contract is.
            pub const fn number(&self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = MalformedPosition;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                // `u64` also accepts a sign.
                let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| is_number);
                number.map(Self).ok_or_else(|| MalformedPosition { text: text.to_owned(), what: $what })
            }
        }

        impl TryFrom<String> for $name {
            type Error = MalformedPosition;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(position: $name) -> Self {
                position.to_string()
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string" })
            }
        }
    };
}

position! {
    /// A position in the commit order of events ([r18](crate::rules#r18)).
    Cursor, "cursor"
}
position! {
    /// A position in the order of jobs ([r28](crate::rules#r28)). It stays valid when jobs are pruned.
    PageToken, "page token"
}

impl Cursor {
    /// Before the first event.
    pub const START: Self = Self(0);
}

/// [`START`](Self::START).
impl Default for Cursor {
    fn default() -> Self {
        Self::START
    }
}

/// The error of parsing a [`Cursor`] or a [`PageToken`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {what} `{text}`: expected a text that enact has written")]
pub struct MalformedPosition {
    text: String,
    what: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_kept_as_its_text() {
        let cursor = Cursor::from_number(17);
        assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
        let json = serde_json::to_string(&cursor).expect("it can be written");
        assert_eq!(json, "\"17\"");
        assert_eq!(serde_json::from_str::<Cursor>(&json).expect("it can be read"), cursor);
        assert_eq!(Cursor::default(), Cursor::START);
    }

    #[test]
    fn what_is_not_the_text_of_a_position_is_refused() {
        for text in ["", "+1", "-1", " 1", "1.0", "a", "18446744073709551616"] {
            let error = text.parse::<PageToken>().expect_err("it is malformed");
            assert_eq!(
                error.to_string(),
                format!("malformed page token `{text}`: expected a text that enact has written")
            );
        }
    }
}
