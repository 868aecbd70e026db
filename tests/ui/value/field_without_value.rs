//! The type of a value's field is a value.
//!
//! Five errors in serde's and schemars' words: a value may contain itself, so its derives get no bounds on the types of its
//! fields.
use enact::prelude::*;

struct Currency(String);

#[value]
struct Money {
    cents: i64,
    currency: Currency,
}

fn main() {}
