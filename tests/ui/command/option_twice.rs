//! An option is given once.
use enact::prelude::*;

#[command(target = account, target = customer)]
struct Withdraw {
    account: String,
    customer: String,
}

fn main() {}
