//! r12: a creation policy is a word, not a text.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Open {
    account: String,
}

#[command(create = "always")]
async fn open(_open: Open, _account: &mut Account) {}

fn main() {}
