//! An unknown option suggests the one that was meant.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler(retries = Retry::none())]
async fn started(_event: Started) {}

fn main() {}
