//! An event is emitted, not published.
use enact::prelude::*;

#[event]
struct MoneyWithdrawn {
    cents: i64,
}

#[command]
struct Withdraw {}

#[command]
async fn withdraw(_withdrawal: Withdraw) {
    publish(MoneyWithdrawn { cents: 1 });
}

fn main() {}
