//! A command has one schedule.
use enact::prelude::*;

#[command]
struct Sweep {}

impl From<Tick> for Sweep {
    fn from(_: Tick) -> Self {
        Sweep {}
    }
}

#[command(every = Duration::from_secs(60), cron = "0 3 * * *")]
async fn sweep(_sweep: Sweep) {}

fn main() {}
