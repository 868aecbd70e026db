//! The first parameter of a handler that binds an entity is a command with a target. The compiler does not report separately
//! that it is not a command at all.
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
