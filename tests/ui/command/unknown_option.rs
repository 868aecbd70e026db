//! An unknown option suggests the one that was meant.
use enact::prelude::*;

#[command(taget = account)]
struct Withdraw {
    account: String,
}

fn main() {}
