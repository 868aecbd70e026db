//! If an unknown option resembles none, the error lists all options.
use enact::prelude::*;

#[command]
struct Ping {}

#[command(priority = 3)]
async fn ping(_ping: Ping) {}

fn main() {}
