//! r33: an event handler reads an entity through a repository.
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
