//! A handler may move between threads at each await.
use std::rc::Rc;

use enact::prelude::*;

#[command]
struct Count {}

#[command]
async fn count(_count: Count) {
    let seen = Rc::new(1);
    tokio::task::yield_now().await;
    drop(seen);
}

fn main() {}
