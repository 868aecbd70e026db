//! How a command is handled is said on its handler.
use enact::prelude::*;

#[command(create = always)]
struct Open {
    account: String,
}

fn main() {}
