//! A handler is an `async fn`: what it returns is not a future of its own making.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
fn ping(_ping: Ping) -> impl Future<Output = ()> {
    async {}
}

fn main() {}
