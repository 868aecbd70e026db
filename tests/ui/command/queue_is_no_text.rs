//! r26: the name of a queue is a text.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(queue = mail)]
async fn ping(_ping: Ping) {}

fn main() {}
