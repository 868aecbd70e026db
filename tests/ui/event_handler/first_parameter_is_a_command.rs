//! A command is handled by `#[command]`.
use enact::prelude::*;

#[command]
struct Ping {}

#[event_handler]
async fn ping(_ping: Ping) {}

fn main() {}
