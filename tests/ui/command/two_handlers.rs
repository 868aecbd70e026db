//! r04: a command has one handler, not two.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Close {
    account: String,
}

#[command]
async fn close(_close: Close, _account: &mut Account) {}

#[command]
async fn close_again(_close: Close, _account: &mut Account) {}

fn main() {}
