//! A command is executed when the call is awaited: before that there is no result to ask for.
//!
//! In the compiler's words, which suggest `.await` for futures only, and not for what can be made into one.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping(_ping: Ping) {}

async fn boundary(runtime: Runtime) -> Result<(), Failure> {
    runtime.execute(Ping {})?;
    Ok(())
}

fn main() {}
