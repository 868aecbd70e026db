//! r22: `retry` is a policy.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler(retry = 5)]
async fn started(_event: Started) {}

fn main() {}
