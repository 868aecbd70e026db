//! A type of a command's target is a `#[value]`: no more errors than of any other field.
use enact::prelude::*;

struct AccountId(String);

#[command(target = account)]
struct Withdraw {
    account: AccountId,
}

#[command(stateless)]
async fn withdraw(_withdrawal: Withdraw) {}

fn main() {}
