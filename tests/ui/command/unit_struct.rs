//! A command is stored as a JSON object, even without fields.
use enact::prelude::*;

#[command]
struct Ping;

#[command]
async fn ping(_ping: Ping) {}

fn main() {}
