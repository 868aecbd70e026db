//! The bank's identifiers: 1 to 64 letters, digits, `.`, `_` and `-`.

use std::fmt;

use enact::prelude::*;

/// An account number.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(#[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))] String);

/// Identifies a deposit or withdrawal. Used as its idempotency key.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionId(#[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))] String);

/// Identifies a transfer. Used as its idempotency key.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferId(#[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))] String);

macro_rules! impl_text_id {
    ($($id:ident)*) => {$(
        impl<T: Into<String>> From<T> for $id {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}

impl_text_id!(AccountId TransactionId TransferId);
