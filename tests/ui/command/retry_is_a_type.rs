//! r22: `retry` is an expression.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(retry = Retry::exponential)]
async fn ping(_ping: Ping) {}

fn main() {}
