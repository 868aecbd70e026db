//! An option with a value is written with `=`.
use enact::prelude::*;

#[command(target(account))]
struct Withdraw {
    account: String,
}

fn main() {}
