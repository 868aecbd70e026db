//! What the bank calls things: short texts of letters, digits, `.`, `_` and `-`.

use std::fmt;

use enact::prelude::*;

/// Names an account.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(#[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))] String);

/// Names a booking on an account. It is an idempotency key: a booking is carried out once, however often it is sent.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionId(#[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))] String);

/// Names a transfer. It is an idempotency key, too.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferId(#[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))] String);

macro_rules! text {
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

text!(AccountId TransactionId TransferId);
