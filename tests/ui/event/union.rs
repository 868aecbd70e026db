//! An event is a struct.
use enact::prelude::*;

#[event]
union Changed {
    deposited: u32,
    withdrawn: i32,
}

fn main() {}
