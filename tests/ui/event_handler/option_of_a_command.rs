//! r12: an event handler binds no entity, so it has no creation policy.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler(create = always)]
async fn started(_event: Started) {}

fn main() {}
