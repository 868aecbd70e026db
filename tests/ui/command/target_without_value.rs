//! The type of the target is a `#[value]`, with the same errors as for any other field.
use enact::prelude::*;

struct AccountId(String);

#[command(target = account)]
struct Withdraw {
    account: AccountId,
}

#[command(stateless)]
async fn withdraw(_withdrawal: Withdraw) {}

fn main() {}
