//! A command is a struct. An enum can be a field of it.
use enact::prelude::*;

#[command]
enum Change {
    Deposit { cents: i64 },
    Withdraw { cents: i64 },
}

#[command]
async fn change(_change: Change) {}

fn main() {}
