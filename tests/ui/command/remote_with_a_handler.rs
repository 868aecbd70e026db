//! r04: a remote command has no handler in this program.
use enact::prelude::*;

#[command(remote)]
struct Ping {}

#[command]
async fn ping(_ping: Ping) {}

fn main() {}
