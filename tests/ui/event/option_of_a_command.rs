//! r03: an event has no target.
use enact::prelude::*;

#[event(target = account)]
struct MoneyWithdrawn {
    account: String,
}

fn main() {}
