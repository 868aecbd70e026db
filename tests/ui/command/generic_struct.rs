//! A command is known by its name, which stands for one type.
use enact::prelude::*;

#[command]
struct Change<T> {
    to: T,
}

fn main() {}
