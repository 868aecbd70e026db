//! An entity is a struct.
use enact::prelude::*;

#[entity]
union Account {
    id: u32,
    number: i32,
}

fn main() {}
