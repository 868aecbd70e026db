//! Options of the handler go on the `#[event_handler]`.
use enact::prelude::*;

#[event(retry = Retry::none())]
struct MoneyWithdrawn {
    account: String,
}

fn main() {}
