//! A command outlives the call that makes it, so it borrows nothing.
use enact::prelude::*;

#[command]
struct Greet<'a> {
    name: &'a str,
}

fn main() {}
