//! An entity is known by its name, which stands for one type.
use enact::prelude::*;

#[entity]
struct Account<T> {
    id: T,
}

fn main() {}
