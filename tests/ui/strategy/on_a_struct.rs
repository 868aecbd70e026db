//! A strategy is a trait; its variants are `impl`s of it.
use enact::prelude::*;

#[strategy]
struct AmountLimit {
    cents: i64,
}

fn main() {}
