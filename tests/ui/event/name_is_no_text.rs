//! r52: a name is a text.
use enact::prelude::*;

#[event(name = money_withdrawn)]
struct MoneyWithdrawn {
    cents: i64,
}

fn main() {}
