//! An event is a struct. An enum can be a field of it.
use enact::prelude::*;

#[event]
enum Changed {
    Deposited { cents: i64 },
    Withdrawn { cents: i64 },
}

#[event_handler]
async fn notify(_event: Changed) {}

fn main() {}
