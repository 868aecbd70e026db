//! A handler takes its event by value.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: &Started) {}

fn main() {}
