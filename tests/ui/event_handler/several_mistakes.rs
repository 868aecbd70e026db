//! Several mistakes in one item are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[event]
struct MoneyWithdrawn {
    account: String,
}

#[event_handler(stateless, nam = "note")]
async fn note(_event: MoneyWithdrawn, _account: &mut Account) {}

fn main() {}
