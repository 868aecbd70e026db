//! `#[event]` goes on the struct; its handlers have `#[event_handler]`.
use enact::prelude::*;

#[event]
struct MoneyWithdrawn {
    cents: i64,
}

#[event]
async fn notify(_event: MoneyWithdrawn) {}

fn main() {}
