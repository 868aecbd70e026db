//! A handler is a free function, not an associated one.
//!
//! Two errors in the compiler's words: a macro cannot see that its item is in an `impl` if there is no `self`.
use enact::prelude::*;

#[command]
struct Ping {}

struct Server;

impl Server {
    #[command]
    async fn ping(_ping: Ping) {}
}

fn main() {}
