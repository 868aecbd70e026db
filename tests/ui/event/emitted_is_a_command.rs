//! A command is published, not emitted.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping(_ping: Ping) {
    emit(Ping {});
}

fn main() {}
