//! An event is known by its name, which stands for one type.
use enact::prelude::*;

#[event]
struct Changed<T> {
    to: T,
}

fn main() {}
