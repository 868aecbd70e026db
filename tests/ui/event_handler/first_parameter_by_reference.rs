//! A handler owns its event.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: &Started) {}

fn main() {}
