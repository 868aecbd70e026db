//! A type of a command's fields is a `#[value]`.
//!
//! Two errors: serde's derives are given the condition that the fields are what they should be, which the declaration then
//! fails, once; schemars' derive takes none, and reports its part itself.
use enact::prelude::*;

struct AccountId(String);

#[command]
struct Withdraw {
    account: AccountId,
}

fn main() {}
