//! The name of a command identifies one type.
use enact::prelude::*;

#[command]
struct Change<T> {
    to: T,
}

fn main() {}
