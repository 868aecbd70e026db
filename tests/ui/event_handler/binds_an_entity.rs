//! r03: an event has no target, so its handler binds no entity.
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
async fn note(_event: MoneyWithdrawn, _account: &mut Account) {}

fn main() {}
