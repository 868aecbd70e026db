//! The identity of an entity is a key, so it cannot be a float.
use enact::prelude::*;

#[entity]
struct Account {
    id: f64,
}

fn main() {}
