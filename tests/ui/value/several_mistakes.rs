//! Several mistakes in one item are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[value(name = "number", transparent)]
union Number {
    signed: i32,
    unsigned: u32,
}

fn main() {}
