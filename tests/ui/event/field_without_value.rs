//! A type of an event's fields is a `#[value]`. Two errors, as of a command's.
use enact::prelude::*;

struct AccountId(String);

#[event]
struct MoneyWithdrawn {
    account: AccountId,
}

fn main() {}
