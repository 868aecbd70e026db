//! r12: an event's handler binds no entity, so there is none to create.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler(create = always)]
async fn started(_event: Started) {}

fn main() {}
