//! r13: the target has the type of the entity's identity.
use enact::prelude::*;

#[entity]
struct Account {
    id: u64,
}

#[command(target = account)]
struct Withdraw {
    account: String,
}

#[command]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

fn main() {}
