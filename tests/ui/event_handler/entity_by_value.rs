//! r33: an entity is read through its repository.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[event]
struct MoneyWithdrawn {
    account: String,
}

#[event_handler]
async fn note(_event: MoneyWithdrawn, _account: Account) {}

fn main() {}
