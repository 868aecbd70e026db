//! `target` names a field of the command. The handler gets no error.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = acount)]
struct Withdraw {
    account: String,
}

#[command]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

fn main() {}
