//! r13: a stateless handler binds no entity.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Audit {
    account: String,
}

#[command(stateless)]
async fn audit(_audit: Audit, _account: &mut Account) {}

fn main() {}
