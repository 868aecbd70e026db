//! Without its attribute, a function that should be a handler is never called, and the compiler warns about dead code. With the
//! attribute it counts as used.
#![deny(dead_code)]
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping(_ping: Ping) {}

#[command]
struct Pong {}

async fn pong(_pong: Pong) {}

fn main() {}
