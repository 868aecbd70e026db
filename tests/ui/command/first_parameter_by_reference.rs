//! A handler owns its command.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping(_ping: &Ping) {}

fn main() {}
