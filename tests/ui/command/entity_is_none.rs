//! r12: a handler binds an entity, and no other type, by `&mut`.
use enact::prelude::*;

struct Account {
    id: String,
}

#[command(target = account)]
struct Withdraw {
    account: String,
}

#[command]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

fn main() {}
