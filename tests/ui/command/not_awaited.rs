//! A command is published or executed when the call is awaited. The compiler warns about a missing `.await`.
#![deny(unused_must_use)]
#![allow(dead_code)]
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping(_ping: Ping) {}

async fn boundary(runtime: Runtime) {
    runtime.publish(Ping {});
    runtime.execute(Ping {});
}

fn main() {}
