//! Without its attribute, a function handles nothing, and the compiler warns about dead code.
#![deny(dead_code)]
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: Started) {}

async fn started_too(_event: Started) {}

fn main() {}
