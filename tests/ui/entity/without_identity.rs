//! An entity has an identity.
use enact::prelude::*;

#[entity]
struct Account {
    number: String,
}

fn main() {}
