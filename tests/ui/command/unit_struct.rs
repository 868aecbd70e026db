//! A command is a JSON object, without fields too.
use enact::prelude::*;

#[command]
struct Ping;

#[command]
async fn ping(_ping: Ping) {}

fn main() {}
