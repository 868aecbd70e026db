//! r27: a handler returns `()` or a `Result`.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: Started) -> bool {
    true
}

fn main() {}
