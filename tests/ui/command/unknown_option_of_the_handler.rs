//! An unknown option that resembles none lists what there is.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(priority = 3)]
async fn ping(_ping: Ping) {}

fn main() {}
