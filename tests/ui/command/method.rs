//! A handler is a free function: the runtime has no `self` to call a method on.
use enact::prelude::*;

#[command]
struct Ping {}

struct Server;

impl Server {
    #[command]
    async fn ping(&self, _ping: Ping) {}
}

fn main() {}
