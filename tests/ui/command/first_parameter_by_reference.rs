//! A handler takes its command by value.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping(_ping: &Ping) {}

fn main() {}
