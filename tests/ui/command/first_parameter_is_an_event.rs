//! An event is handled by an `#[event_handler]`.
use enact::prelude::*;

#[event]
struct MoneyWithdrawn {
    cents: i64,
}

#[command]
async fn notify(_event: MoneyWithdrawn) {}

fn main() {}
