//! r12: a creation policy is about the entity that the handler binds.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(create = if_missing)]
async fn ping(_ping: Ping) {}

fn main() {}
