//! A value is written as JSON, and a union does not know what it is.
use enact::prelude::*;

#[value]
union Number {
    signed: i32,
    unsigned: u32,
}

fn main() {}
