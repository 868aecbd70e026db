//! A handler is a free function, because the runtime has no `self` to call it on.
use enact::prelude::*;

#[event]
struct Started {}

struct Server;

impl Server {
    #[event_handler]
    async fn started(&self, _event: Started) {}
}

fn main() {}
