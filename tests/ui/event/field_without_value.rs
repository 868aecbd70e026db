//! The type of an event's field is a `#[value]`. Two errors, as for a command.
use enact::prelude::*;

struct AccountId(String);

#[event]
struct MoneyWithdrawn {
    account: AccountId,
}

fn main() {}
