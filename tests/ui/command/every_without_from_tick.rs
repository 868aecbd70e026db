//! A command that recurs is created from each tick.
use enact::prelude::*;

#[command]
struct Sweep {}

#[command(every = Duration::from_secs(60))]
async fn sweep(_sweep: Sweep) {}

#[command]
struct Close {}

#[command(cron = "0 3 * * *")]
async fn close(_close: Close) {}

fn main() {}
