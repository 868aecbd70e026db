//! r12: a creation policy needs a bound entity.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(create = if_missing)]
async fn ping(_ping: Ping) {}

fn main() {}
