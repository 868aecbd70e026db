//! A timeout is a duration.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(timeout = 5)]
async fn ping(_ping: Ping) {}

fn main() {}
