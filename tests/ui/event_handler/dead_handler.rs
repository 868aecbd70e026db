//! A function whose attribute was forgotten handles nothing, and is warned of. With its attribute it is alive.
#![deny(dead_code)]
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: Started) {}

async fn started_too(_event: Started) {}

fn main() {}
