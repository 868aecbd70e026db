//! Ordering: jobs run concurrently and in any order by default. With `order_by`, jobs with the same key form a lane: they run
//! one at a time, in the order in which they were published. Lanes do not wait for each other.
//!
//! ```text
//! ada: 1 2 3 4 5
//! bob: 1 2 3 4 5
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use enact::MemoryStore;
use enact::prelude::*;

/// The delivered lines by recipient, in the order of delivery.
#[derive(Default)]
struct Delivered(Mutex<BTreeMap<String, Vec<u32>>>);

/// Deliver a line of a letter.
#[command(order_by = to)]
struct Deliver {
    to: String,
    line: u32,
}

#[command]
async fn deliver(deliver: Deliver, delivered: Arc<Delivered>) {
    // The first lines take longest: without a lane, the last would arrive first.
    for _ in deliver.line..5 {
        tokio::task::yield_now().await;
    }
    let mut delivered = delivered.0.lock().unwrap_or_else(PoisonError::into_inner);
    delivered.entry(deliver.to).or_default().push(deliver.line);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let delivered = Arc::new(Delivered::default());
    let post = Runtime::builder(MemoryStore::new()).provide(delivered.clone()).start().await?;

    let lines = (1..=5).flat_map(|line| ["ada", "bob"].map(|to| Deliver { to: to.to_owned(), line }));
    let jobs = post.publish_all(lines.map(|line| post.publish(line))).await;
    for job in jobs {
        job?.outcome().await?;
    }

    for (to, lines) in &*delivered.0.lock().unwrap_or_else(PoisonError::into_inner) {
        let lines: Vec<_> = lines.iter().map(u32::to_string).collect();
        println!("{to}: {}", lines.join(" "));
    }
    Ok(())
}
