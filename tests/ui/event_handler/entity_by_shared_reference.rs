//! r33: nothing is lent to an event's handler.
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
async fn note(_event: MoneyWithdrawn, _account: &Account) {}

fn main() {}
