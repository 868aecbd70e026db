//! The name of an event identifies one type.
use enact::prelude::*;

#[event]
struct Changed<T> {
    to: T,
}

fn main() {}
