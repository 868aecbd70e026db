//! A union cannot be written as JSON.
use enact::prelude::*;

#[value]
union Number {
    signed: i32,
    unsigned: u32,
}

fn main() {}
