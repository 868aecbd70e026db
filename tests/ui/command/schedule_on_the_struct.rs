//! When a command recurs, and in which queue it waits, is said on its handler.
use enact::prelude::*;

#[command(every = Duration::from_secs(60), missed = Missed::Skip, queue = "chores")]
struct Sweep {}

#[command(cron = "0 3 * * *")]
struct Close {}

fn main() {}
