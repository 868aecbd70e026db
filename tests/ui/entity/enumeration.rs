//! An entity is a struct. An enum can be a field of it.
use enact::prelude::*;

#[entity]
enum Account {
    Open { id: String },
    Closed { id: String },
}

fn main() {}
