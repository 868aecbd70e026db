//! `target` is a field, not a text.
use enact::prelude::*;

#[command(target = "account")]
struct Withdraw {
    account: String,
}

fn main() {}
