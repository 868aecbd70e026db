//! An unknown option suggests the one that was meant.
use enact::prelude::*;

#[event(nmae = "money_withdrawn")]
struct MoneyWithdrawn {
    cents: i64,
}

fn main() {}
