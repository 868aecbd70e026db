//! The identity of an entity is a key, which is compared: a float is none.
use enact::prelude::*;

#[entity]
struct Account {
    id: f64,
}

fn main() {}
