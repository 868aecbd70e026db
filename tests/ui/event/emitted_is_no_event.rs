//! r03: what is emitted is an event. A forgotten `#[event]` is named.
use enact::prelude::*;

struct MoneyWithdrawn {
    cents: i64,
}

#[command]
struct Withdraw {}

#[command]
async fn withdraw(_withdrawal: Withdraw) {
    emit(MoneyWithdrawn { cents: 1 });
}

fn main() {}
