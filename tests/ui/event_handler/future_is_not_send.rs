//! A handler may move between threads at each await.
use std::rc::Rc;

use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: Started) {
    let seen = Rc::new(1);
    tokio::task::yield_now().await;
    drop(seen);
}

fn main() {}
