//! r52: a name is not empty.
use enact::prelude::*;

#[event(name = " ")]
struct MoneyWithdrawn {
    cents: i64,
}

fn main() {}
