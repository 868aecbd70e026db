//! An option is given once.
use enact::prelude::*;

#[event(name = "withdrawn", name = "money_withdrawn")]
struct MoneyWithdrawn {
    cents: i64,
}

fn main() {}
