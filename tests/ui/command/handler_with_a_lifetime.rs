//! What a handler borrows is lent for its call: there is no lifetime to name.
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
async fn withdraw<'a>(_withdrawal: Withdraw, _account: &'a mut Account) {}

fn main() {}
