//! r12: what a handler binds by `&mut` is an entity.
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
