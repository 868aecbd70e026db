//! r03: an event is a fact, and is aimed at nothing.
use enact::prelude::*;

#[event(target = account)]
struct MoneyWithdrawn {
    account: String,
}

fn main() {}
