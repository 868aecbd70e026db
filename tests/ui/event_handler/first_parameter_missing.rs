//! A handler is found by the event that it takes first.
use enact::prelude::*;

#[event_handler]
async fn started() {}

fn main() {}
