//! r04: a command that is executed has a handler.
use enact::prelude::*;

#[command]
struct Ping {}

async fn boundary(runtime: Runtime) {
    let _ = runtime.execute(Ping {}).await;
}

fn main() {}
