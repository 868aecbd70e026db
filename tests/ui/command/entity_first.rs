//! A handler takes its command first and then the entity.
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
