//! A handler takes its command first, and the entity after it.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Withdraw {
    account: String,
}

#[command]
async fn withdraw(_account: &mut Account, _withdrawal: Withdraw) {}

fn main() {}
