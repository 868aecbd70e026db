//! The first parameter of a handler that binds an entity is a command with a target. That it is a command at all is not said
//! apart: what says the one says the other.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

struct Withdraw {
    account: String,
}

#[command]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

fn main() {}
