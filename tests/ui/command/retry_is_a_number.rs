//! r22: `retry` is a policy.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(retry = 5)]
async fn ping(_ping: Ping) {}

fn main() {}
