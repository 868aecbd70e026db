//! r12: the creation policies are `never`, `always` and `if_missing`.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Open {
    account: String,
}

#[command(create = if_absent)]
async fn open(_open: Open, _account: &mut Account) {}

fn main() {}
