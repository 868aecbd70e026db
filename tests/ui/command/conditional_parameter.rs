//! A handler is called with all of its parameters: none of them has a condition.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping(_ping: Ping, #[cfg(test)] _context: ExecutionContext) {}

async fn boundary(runtime: Runtime) {
    let _ = runtime.execute(Ping {}).await;
}

fn main() {}
