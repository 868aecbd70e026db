//! A handler is a free function, and stands outside of `impl`.
//!
//! Two errors, in the compiler's words: it does not tell a macro where its item stands, and without a `self` nothing else shows it.
use enact::prelude::*;

#[command]
struct Ping {}

struct Server;

impl Server {
    #[command]
    async fn ping(_ping: Ping) {}
}

fn main() {}
