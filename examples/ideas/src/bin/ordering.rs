//! Ordering: jobs run concurrently, and nothing is ordered unless it is asked for. `order_by` names a lane, whose jobs run
//! one at a time, as they were published; other lanes go on beside it.
//!
//! ```text
//! ada: 1 2 3 4 5
//! bob: 1 2 3 4 5
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use enact::MemoryStore;
use enact::prelude::*;

/// What has been said to whom, in the order of saying.
#[derive(Default)]
struct Said(Mutex<BTreeMap<String, Vec<u32>>>);

/// Say the next line of a letter.
#[command(order_by = to)]
struct Say {
    to: String,
    line: u32,
}

#[command]
async fn say(say: Say, said: Arc<Said>) {
    // The first lines take longest: without a lane, the last would be said first.
    for _ in say.line..5 {
        tokio::task::yield_now().await;
    }
    let mut said = said.0.lock().unwrap_or_else(PoisonError::into_inner);
    said.entry(say.to).or_default().push(say.line);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let said = Arc::new(Said::default());
    let post = Runtime::builder(MemoryStore::new()).provide(said.clone()).start().await?;

    let lines = (1..=5).flat_map(|line| ["ada", "bob"].map(|to| Say { to: to.to_owned(), line }));
    let jobs = post.publish_all(lines.map(|say| post.publish(say))).await;
    for job in jobs {
        job?.outcome().await?;
    }

    for (to, lines) in &*said.0.lock().unwrap_or_else(PoisonError::into_inner) {
        let lines: Vec<_> = lines.iter().map(u32::to_string).collect();
        println!("{to}: {}", lines.join(" "));
    }
    Ok(())
}
