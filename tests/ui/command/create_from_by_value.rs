//! r12: an entity is made from a reference to the command, which the handler still needs.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Open {
    account: String,
}

impl From<Open> for Account {
    fn from(open: Open) -> Self {
        Account { id: open.account }
    }
}

#[command(create = if_missing)]
async fn open(_open: Open, _account: &mut Account) {}

fn main() {}
