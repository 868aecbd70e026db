//! r13: the handler of a command with a target binds the entity, or is `stateless`.
use enact::prelude::*;

#[command(target = account)]
struct Withdraw {
    account: String,
}

#[command]
async fn withdraw(_withdrawal: Withdraw) {}

fn main() {}
