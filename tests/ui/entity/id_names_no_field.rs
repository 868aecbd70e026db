//! `id` names a field of the entity. Its commands get no errors.
use enact::prelude::*;

#[entity(id = nummer)]
struct Account {
    number: String,
}

#[command(target = account)]
struct Withdraw {
    account: String,
}

#[command]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

fn main() {}
