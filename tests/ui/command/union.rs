//! A command is a struct.
use enact::prelude::*;

#[command]
union Change {
    deposit: u32,
    withdraw: i32,
}

fn main() {}
