//! The error for an option without a value shows its form.
use enact::prelude::*;

#[command(target)]
struct Withdraw {
    account: String,
}

fn main() {}
