//! r03: the first parameter of an event handler is an event.
use enact::prelude::*;

struct Started {}

#[event_handler]
async fn started(_event: Started) {}

fn main() {}
