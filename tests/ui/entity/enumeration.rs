//! An entity is a struct: an enum is a field of it.
use enact::prelude::*;

#[entity]
enum Account {
    Open { id: String },
    Closed { id: String },
}

fn main() {}
