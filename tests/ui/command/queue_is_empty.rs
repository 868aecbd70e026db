//! r26: the name of a queue is not empty.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(queue = "")]
async fn ping(_ping: Ping) {}

fn main() {}
