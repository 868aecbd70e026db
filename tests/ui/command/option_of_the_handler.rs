//! Options of the handler go on the function.
use enact::prelude::*;

#[command(create = always)]
struct Open {
    account: String,
}

fn main() {}
