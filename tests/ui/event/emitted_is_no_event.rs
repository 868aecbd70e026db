//! r03: only an event can be emitted. The error names a missing `#[event]`.
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
