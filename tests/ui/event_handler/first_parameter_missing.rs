//! A handler is identified by the event that is its first parameter.
use enact::prelude::*;

#[event_handler]
async fn started() {}

fn main() {}
