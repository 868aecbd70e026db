//! A handler's borrows last for the call, so it needs no lifetime parameter.
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
