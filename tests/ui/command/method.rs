//! A handler is a free function, because the runtime has no `self` to call it on.
use enact::prelude::*;

#[command]
struct Ping {}

struct Server;

impl Server {
    #[command]
    async fn ping(&self, _ping: Ping) {}
}

fn main() {}
