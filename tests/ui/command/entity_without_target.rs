//! r13: a command without a target cannot bind an entity.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command]
struct Withdraw {
    account: String,
}

#[command]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

fn main() {}
