//! A handler is an `async fn`, and does not return a future.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
fn ping(_ping: Ping) -> impl Future<Output = ()> {
    async {}
}

fn main() {}
