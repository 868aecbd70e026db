//! r04: a command that another program handles has no handler here.
use enact::prelude::*;

#[command(remote)]
struct Ping {}

#[command]
async fn ping(_ping: Ping) {}

fn main() {}
