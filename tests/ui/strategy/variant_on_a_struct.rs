//! A variant is declared where it implements the strategy, not on its type.
use enact::prelude::*;

#[strategy(variant)]
struct AmountLimit {
    cents: i64,
}

fn main() {}
