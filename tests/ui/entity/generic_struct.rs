//! The name of an entity identifies one type.
use enact::prelude::*;

#[entity]
struct Account<T> {
    id: T,
}

fn main() {}
