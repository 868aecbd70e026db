//! An option that needs a value shows how it is written.
use enact::prelude::*;

#[command(target)]
struct Withdraw {
    account: String,
}

fn main() {}
