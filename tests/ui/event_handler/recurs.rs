//! Commands recur. Event handlers do not.
use enact::prelude::*;

#[event]
struct Swept {}

#[event_handler(every = Duration::from_secs(60), missed = Missed::All)]
async fn by_the_minute(_event: Swept) {}

#[event_handler(cron = "0 3 * * *")]
async fn by_night(_event: Swept) {}

fn main() {}
