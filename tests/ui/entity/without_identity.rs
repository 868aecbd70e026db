//! An entity is found by its identity.
use enact::prelude::*;

#[entity]
struct Account {
    number: String,
}

fn main() {}
