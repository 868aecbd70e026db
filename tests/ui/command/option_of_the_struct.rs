//! Options of the command go on the struct.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Withdraw {
    account: String,
}

#[command(target = account)]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

fn main() {}
