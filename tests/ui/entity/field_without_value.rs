//! The type of an entity's field is a `#[value]`.
use enact::prelude::*;

struct Money(i64);

#[entity]
struct Account {
    id: String,
    balance: Money,
}

fn main() {}
