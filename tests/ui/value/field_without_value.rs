//! What a value is made of is a value.
//!
//! Five errors, in serde's and schemars' words: a value may contain itself, so its derives cannot be given the condition that its
//! fields are what they should be.
use enact::prelude::*;

struct Currency(String);

#[value]
struct Money {
    cents: i64,
    currency: Currency,
}

fn main() {}
