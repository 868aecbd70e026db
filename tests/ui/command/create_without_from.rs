//! r12: `create = always` needs `From<&Command>`.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Open {
    account: String,
}

#[command(create = always)]
async fn open(_open: Open, _account: &mut Account) {}

fn main() {}
