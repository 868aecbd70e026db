//! The first parameter of a handler is a command.
use enact::prelude::*;

struct Ping {}

#[command]
async fn ping(_ping: Ping) {}

fn main() {}
