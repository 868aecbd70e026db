//! `#[invariant]` goes on a function.
use enact::prelude::*;

/// An account is never overdrawn.
#[invariant]
#[entity]
struct Account {
    id: String,
    balance: i64,
}

fn main() {}
