//! `#[value]` goes on a struct or an enum.
use enact::prelude::*;

#[value]
fn number() -> u32 {
    1
}

fn main() {}
