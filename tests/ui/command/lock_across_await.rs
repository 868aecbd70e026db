//! A handler cannot hold a lock of the standard library across an await.
use std::sync::Mutex;

use enact::prelude::*;

#[command]
struct Count {}

#[command]
async fn count(_count: Count, counter: Arc<Mutex<u64>>) {
    let mut counter = counter.lock().unwrap();
    *counter += 1;
    tokio::task::yield_now().await;
    *counter += 1;
}

fn main() {}
