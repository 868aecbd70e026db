//! r04: a command that a handler publishes has a handler.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
struct Pong {}

#[command]
async fn ping(_ping: Ping) {
    publish(Pong {});
}

fn main() {}
