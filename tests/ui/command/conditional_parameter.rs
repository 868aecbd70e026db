//! The generated call passes every parameter, so none can be conditional.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping(_ping: Ping, #[cfg(test)] _context: ExecutionContext) {}

async fn boundary(runtime: Runtime) {
    let _ = runtime.execute(Ping {}).await;
}

fn main() {}
