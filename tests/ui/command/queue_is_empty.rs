//! r26: a queue has a name.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(queue = "")]
async fn ping(_ping: Ping) {}

fn main() {}
