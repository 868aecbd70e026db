//! `#[value]` has no options.
use enact::prelude::*;

#[value(name = "number")]
struct Number(u32);

fn main() {}
