//! A command is executed when the call is awaited, so `?` needs `.await` before it.
//!
//! In the compiler's words, which suggest `.await` for futures, but not for types that convert into one.
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
