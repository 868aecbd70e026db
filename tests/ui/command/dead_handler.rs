//! A function that was to be a handler, and whose attribute was forgotten, is never called: the compiler warns of it as of every
//! dead function. With its attribute it is alive, though no one calls it by name.
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
