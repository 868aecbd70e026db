//! A command outlives the call that creates it, so it cannot borrow.
use enact::prelude::*;

#[command]
struct Greet<'a> {
    name: &'a str,
}

fn main() {}
