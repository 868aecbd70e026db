//! A handler is `async`.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
fn ping(_ping: Ping) {}

async fn boundary(runtime: Runtime) {
    let _ = runtime.execute(Ping {}).await;
}

fn main() {}
