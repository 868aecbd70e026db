//! Only a command can be published.
use enact::prelude::*;

struct Ping {}

async fn boundary(runtime: Runtime) {
    let _ = runtime.publish(Ping {}).await;
}

fn main() {}
