//! A handler is `async`.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
fn started(_event: Started) {}

fn main() {}
