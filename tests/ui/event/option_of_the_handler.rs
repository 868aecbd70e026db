//! How an event is handled is said on its handler.
use enact::prelude::*;

#[event(retry = Retry::none())]
struct MoneyWithdrawn {
    account: String,
}

fn main() {}
